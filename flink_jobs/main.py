"""Builds and submits the job: ``flink run -pym flink_jobs.main``, the same here and on a real cluster."""

from __future__ import annotations

from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udtf

from flink_jobs.function import RESULT_TYPES, IngestFunction
from flink_jobs.settings import JobSettings
from flink_jobs.tables import pipeline, sink_table, source_table
from freshet.embedding.load import load_embedder
from freshet.settings import KafkaSettings, model_settings

JOB_NAME = "freshet-ingestion"


def configuration(job: JobSettings) -> Configuration:
    """Everything that decides the latency is said here: Flink's defaults favour throughput."""
    settings = {
        "pipeline.name": JOB_NAME,
        "parallelism.default": str(job.parallelism),
        "python.execution-mode": job.execution_mode,
        "python.fn-execution.bundle.time": "1",
        "python.fn-execution.bundle.size": "1",
        "execution.buffer-timeout.interval": "0 ms",
        "pipeline.object-reuse": "true",
        "execution.checkpointing.interval": f"{job.checkpoint_ms} ms",
        "execution.checkpointing.mode": "AT_LEAST_ONCE",
        "execution.checkpointing.timeout": "5 min",
        "execution.checkpointing.tolerable-failed-checkpoints": "1000",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "500 ms",
        "restart-strategy.exponential-delay.max-backoff": "30 s",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "1 min",
    }
    config = Configuration()
    for name, value in settings.items():
        config.set_string(name, value)
    return config


def main() -> None:
    """Read the settings and hand the job to the cluster that ``flink run`` names."""
    job, kafka, model = JobSettings(), KafkaSettings(), model_settings()
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration(job)).build()
    )
    environment.create_temporary_function("ingest", udtf(IngestFunction(job, model), result_types=RESULT_TYPES))
    environment.execute_sql(source_table(kafka))
    environment.execute_sql(sink_table(kafka))
    environment.execute_sql(pipeline(load_embedder(model).revision))


if __name__ == "__main__":
    main()
