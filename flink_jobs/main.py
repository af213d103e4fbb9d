"""Builds and submits the job: ``flink run -pym flink_jobs.main``, the same here and on a real cluster."""

from __future__ import annotations

from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udtf

from flink_jobs.endpoint import check_endpoint
from flink_jobs.flink_settings import flink_settings
from flink_jobs.function import RESULT_TYPES, IngestFunction
from flink_jobs.predict import assembled, model, prepared_view
from flink_jobs.predict_functions import PREPARED_TYPES, AssembleFunction, PrepareFunction
from flink_jobs.served_model import ServedModel
from flink_jobs.settings import JobSettings
from flink_jobs.tables import conversations_view, in_process, pipeline, sink_table, source_table
from freshet.embedding.load import load_embedder
from freshet.settings import KafkaSettings, model_settings


def main() -> None:
    """Read the settings and hand the job to the cluster that ``flink run`` names."""
    job, kafka, chosen = JobSettings(), KafkaSettings(), model_settings()
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(_configuration(job)).build()
    )
    environment.execute_sql(source_table(kafka))
    environment.execute_sql(sink_table(kafka))
    documents, arguments = "documents", "d.k, d.v"
    if job.context_messages:
        environment.execute_sql(conversations_view(job.context_messages))
        documents, arguments = "spoken", "d.k, d.v, d.arrivals"
    loaded = load_embedder(chosen)
    if job.embedding == "in-process":
        environment.create_temporary_function("ingest", udtf(IngestFunction(job, chosen), result_types=RESULT_TYPES))
        source = in_process(documents, arguments)
    else:
        source = _through_server(environment, job, ServedModel.of(loaded), documents, arguments)
    environment.execute_sql(pipeline(source, loaded.revision))


def _through_server(
    environment: TableEnvironment, job: JobSettings, served: ServedModel, documents: str, arguments: str
) -> str:
    check_endpoint(job, served)
    prepare, assemble = PrepareFunction(job, served), AssembleFunction(job, served)
    environment.create_temporary_function("before_model", udtf(prepare, result_types=PREPARED_TYPES))
    environment.create_temporary_function("after_model", udtf(assemble, result_types=RESULT_TYPES))
    environment.execute_sql(prepared_view(documents, arguments))
    name = job.model_name or served.pinned_name
    environment.create_temporary_model("embedder", model(job.endpoint, job.key(), name, job.retries))
    return assembled(job)


def _configuration(job: JobSettings) -> Configuration:
    config = Configuration()
    for name, value in flink_settings(job).items():
        config.set_string(name, value)
    return config


if __name__ == "__main__":
    main()
