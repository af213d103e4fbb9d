"""What carries the pipeline: topics, the job, its checkpoints, processes."""

from __future__ import annotations

from freshet import foreign_metrics as foreign
from freshet import metrics
from grafana.generator.panel import Dashboard, Panel, Query, Row
from grafana.generator.promql import STEP, highest, rate, total

KAFKA_FLINK = Dashboard(
    "kafka-flink",
    "Freshet: Kafka and Flink",
    "The machinery below the stages.",
    (
        Row(
            "Kafka",
            (
                Panel(
                    "Lag in records",
                    "From committed offsets, by group; and what the job's source counts itself.",
                    "short",
                    (
                        Query(highest(metrics.GROUP_LAG_RECORDS, "group"), "{{group}}"),
                        Query(total(foreign.PENDING), "not read by the job", dashed=True),
                    ),
                ),
                Panel(
                    "Lag in seconds",
                    "Age of the oldest record that is not committed, by group.",
                    "s",
                    (Query(highest(metrics.GROUP_LAG_SECONDS, "group"), "{{group}}"),),
                    limit=10,
                ),
                Panel(
                    "Records through the job",
                    "Read from documents, and written to vector-embeddings and dead-letters.",
                    "ops",
                    (Query(rate(foreign.RECORDS_IN), "read"), Query(rate(foreign.RECORDS_OUT), "written")),
                ),
                Panel(
                    "The job's writes to Kafka",
                    "Mean latency of a request.",
                    "ms",
                    (Query(highest(foreign.PRODUCER_LATENCY), "latency"),),
                ),
            ),
        ),
        Row(
            "Job",
            (
                Panel(
                    "Where its time goes",
                    "A task's busy and back-pressured time a second. 1000 ms is all of it.",
                    "ms",
                    (
                        Query(highest(foreign.BUSY), "busy"),
                        Query(highest(foreign.BACKPRESSURED), "back-pressured"),
                    ),
                    limit=900,
                ),
                Panel(
                    "Jobs and restarts",
                    "One job should run.",
                    "short",
                    (
                        Query(total(foreign.RUNNING_JOBS), "running jobs"),
                        Query(highest(foreign.RESTARTS), "restarts of the job", right=True, unit="short"),
                    ),
                ),
                Panel(
                    "Checkpoints",
                    "Completed and failed a second; right: time since the last.",
                    "ops",
                    (
                        Query(rate(foreign.CHECKPOINTS), "completed"),
                        Query(rate(foreign.FAILED_CHECKPOINTS), "failed"),
                        Query(f"time() - {highest(foreign.CHECKPOINT_AT)} / 1000", "age", right=True, unit="s"),
                    ),
                ),
                Panel(
                    "A checkpoint",
                    "Duration; right: size.",
                    "ms",
                    (
                        Query(highest(foreign.CHECKPOINT_MS), "duration"),
                        Query(highest(foreign.CHECKPOINT_BYTES), "size", right=True, unit="bytes"),
                    ),
                ),
            ),
        ),
        Row(
            "Processes",
            (
                Panel(
                    "Memory",
                    "Resident, of each process of a local stack.",
                    "bytes",
                    (Query(highest(metrics.PROCESS_MEMORY, "process"), "{{process}}"),),
                    kind="stack",
                ),
                Panel(
                    "Processor",
                    "Cores in use, of each process of a local stack.",
                    "short",
                    (Query(rate(metrics.PROCESS_CPU, "process"), "{{process}}"),),
                    kind="stack",
                ),
                Panel(
                    "Memory of what answers Prometheus",
                    "Resident. job is the TaskManager that Python runs in, in thread mode.",
                    "bytes",
                    (
                        Query(highest(foreign.CLIENT_MEMORY, "component"), "{{component}}"),
                        Query(highest(foreign.TASKMANAGER_HEAP), "TaskManager's heap", dashed=True),
                        Query(highest(foreign.JOBMANAGER_HEAP), "JobManager's heap", dashed=True),
                    ),
                ),
                Panel(
                    "Processor of the same, and garbage collection",
                    "Cores in use; right: share of time that the TaskManager collects.",
                    "short",
                    (
                        Query(rate(foreign.CLIENT_CPU, "component"), "{{component}}"),
                        Query(
                            f"max(rate({foreign.GC_MS.name}[{STEP}])) / 1000",
                            "collecting",
                            right=True,
                            unit="percentunit",
                        ),
                    ),
                ),
                Panel(
                    "Up",
                    "1 while it answers Prometheus; by process while it lives; and looks of the monitor that failed.",
                    "short",
                    (
                        Query(highest(foreign.UP, "component", where='job="freshet"'), "{{component}} answers"),
                        Query(highest(metrics.PROCESS_UP, "process"), "{{process}} lives"),
                        Query(rate(metrics.MONITOR_ERRORS), "monitor errors", right=True, unit="ops"),
                    ),
                    span=16,
                ),
                Panel(
                    "Youngest process",
                    "Since when the process runs that was started last.",
                    "s",
                    (
                        Query(f"time() - {highest(metrics.PROCESS_START)}", "local stack"),
                        Query(f"time() - {highest(foreign.CLIENT_START)}", "answers Prometheus"),
                    ),
                    span=8,
                ),
            ),
        ),
    ),
)
