"""What Flink itself is told for the job."""

from __future__ import annotations

from flink_jobs.settings import JobSettings

JOB_NAME = "freshet-ingestion"


def flink_settings(job: JobSettings) -> dict[str, str]:
    """Everything that decides the latency is said here: Flink's defaults favour throughput."""
    settings = {
        "pipeline.name": JOB_NAME,
        "parallelism.default": str(job.parallelism),
        "python.execution-mode": job.execution_mode,
        # Each record is a bundle of its own; the time that one would otherwise wait costs a timer of that period.
        "python.fn-execution.bundle.size": "1",
        "python.fn-execution.bundle.time": "1000",
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
    if job.context_messages:
        settings["table.exec.state.ttl"] = f"{job.context_minutes} min"
    return settings
