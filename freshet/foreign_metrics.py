"""Metrics that others count and Freshet's dashboards and alerts use: Flink, prometheus_client, Prometheus itself."""

from __future__ import annotations

from dataclasses import dataclass

FLINK = "Flink's Prometheus reporter"
CLIENT = "prometheus_client, on Linux"
PROMETHEUS = "Prometheus"


@dataclass(frozen=True, slots=True)
class ForeignMetric:
    """``origin`` says who counts it."""

    name: str
    origin: str
    meaning: str


UP = ForeignMetric("up", PROMETHEUS, "1 while a process answers.")
CLIENT_MEMORY = ForeignMetric(
    "process_resident_memory_bytes", CLIENT, "Of a Python process; of the whole TaskManager where Python runs in it."
)
CLIENT_CPU = ForeignMetric("process_cpu_seconds_total", CLIENT, "Processor time of the same.")
CLIENT_START = ForeignMetric("process_start_time_seconds", CLIENT, "When it was started, since the epoch.")
RUNNING_JOBS = ForeignMetric("flink_jobmanager_numRunningJobs", FLINK, "Jobs that run.")
RESTARTS = ForeignMetric("flink_jobmanager_job_numRestarts", FLINK, "How often the job was started again.")
CHECKPOINTS = ForeignMetric("flink_jobmanager_job_numberOfCompletedCheckpoints", FLINK, "Checkpoints that completed.")
FAILED_CHECKPOINTS = ForeignMetric("flink_jobmanager_job_numberOfFailedCheckpoints", FLINK, "Checkpoints that did not.")
CHECKPOINT_MS = ForeignMetric("flink_jobmanager_job_lastCheckpointDuration", FLINK, "Of the last one, in ms.")
CHECKPOINT_BYTES = ForeignMetric("flink_jobmanager_job_lastCheckpointSize", FLINK, "Of the last one.")
CHECKPOINT_AT = ForeignMetric(
    "flink_jobmanager_job_lastCheckpointCompletedTimestamp", FLINK, "When the last one completed, ms since the epoch."
)
PENDING = ForeignMetric(
    "flink_taskmanager_job_task_operator_pendingRecords", FLINK, "Records on documents that the source has not read."
)
RECORDS_IN = ForeignMetric(
    "flink_taskmanager_job_task_operator_KafkaSourceReader_KafkaConsumer_records_consumed_total", FLINK,
    "Records that the job read.",
)  # fmt: skip
RECORDS_OUT = ForeignMetric(
    "flink_taskmanager_job_task_operator_KafkaProducer_record_send_total", FLINK, "Records that it wrote."
)
BUSY = ForeignMetric("flink_taskmanager_job_task_busyTimeMsPerSecond", FLINK, "How long a task works, in ms a second.")
BACKPRESSURED = ForeignMetric(
    "flink_taskmanager_job_task_backPressuredTimeMsPerSecond", FLINK, "How long it waits for who takes from it."
)
JOBMANAGER_HEAP = ForeignMetric("flink_jobmanager_Status_JVM_Memory_Heap_Used", FLINK, "Java heap of the JobManager.")
TASKMANAGER_HEAP = ForeignMetric("flink_taskmanager_Status_JVM_Memory_Heap_Used", FLINK, "Java heap of a TaskManager.")
GC_MS = ForeignMetric(
    "flink_taskmanager_Status_JVM_GarbageCollector_All_Time", FLINK, "Time in garbage collection since the start, ms."
)
PRODUCER_LATENCY = ForeignMetric(
    "flink_taskmanager_job_task_operator_KafkaProducer_request_latency_avg", FLINK, "Of the job's writes to Kafka, ms."
)

FOREIGN = tuple(value for value in vars().values() if isinstance(value, ForeignMetric))
