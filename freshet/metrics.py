"""Every metric Freshet exposes: one typed list, from which processes, dashboards, alerts and docs take the names."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

C = TypeVar("C", Counter, Gauge, Histogram)
Kind = Literal["counter", "gauge", "histogram"]

# A series more for each one that says when it began: nothing here asks that.
disable_created_metrics()  # type: ignore[no-untyped-call]

LATENCY_BUCKETS = (
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075,
    0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
)  # fmt: skip
"""Seconds; dense around the 100 ms promise."""
BATCH_BUCKETS = (1, 2, 3, 5, 8, 13, 20, 35, 50, 75, 100, 150, 200, 300, 500)


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter's name ends in ``_total``; times are in seconds, sizes in bytes."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    """Of the one label, where they are known: each is there at 0 from the start, and its first event is a change."""

    def counter(self) -> Counter:
        return _collector(self, Counter)

    def gauge(self) -> Gauge:
        return _collector(self, Gauge)

    def histogram(self) -> Histogram:
        return _collector(self, Histogram)


_collectors: dict[str, Any] = {}
_lock = threading.Lock()


def _collector(metric: Metric, kind: type[C]) -> C:
    """The process's one collector of this name: a Flink subtask that starts again finds it there."""
    with _lock:
        found: C | None = _collectors.get(metric.name)
        if found is None:
            options: dict[str, Any] = {}
            if kind is Histogram:
                options["buckets"] = metric.buckets or LATENCY_BUCKETS
            elif kind is Gauge:
                # Where processes share one endpoint (``freshet.metrics_endpoint``), the last to set it is right.
                options["multiprocess_mode"] = "livemostrecent"
            found = kind(metric.name.removesuffix("_total"), metric.meaning, metric.labels, **options)
            for value in metric.values:
                found.labels(value)
            _collectors[metric.name] = found
        return found


FRESHNESS = Metric("freshet_freshness_seconds", "histogram", "Source commit to searchable, per document version.")
HOP = Metric("freshet_hop_seconds", "histogram", "Time between two stamps of one event.", ("hop",))
RECORDS = Metric(
    "freshet_consumer_records_total", "counter",
    "Records of vector-embeddings by outcome: written, unchanged, stale, deleted, dead.", ("outcome",),
    values=("written", "unchanged", "stale", "deleted", "dead"),
)  # fmt: skip
BATCH_SIZE = Metric("freshet_consumer_batch_size", "histogram", "Records written in one batch.", (), BATCH_BUCKETS)
BATCH_LIMIT = Metric("freshet_consumer_batch_limit", "gauge", "The policy's present upper bound on a batch.")
BATCH_SECONDS = Metric("freshet_consumer_batch_seconds", "histogram", "Fetch to acknowledged by the store, per batch.")
BATCH_P99 = Metric("freshet_consumer_batch_p99_seconds", "gauge", "P99 of batch latency over the sliding window.")
POLICY_DECISIONS = Metric(
    "freshet_consumer_policy_decisions_total",
    "counter",
    "How the limit was changed.",
    ("decision",),
    values=("grow", "shrink", "hold"),
)
POLICY = Metric(
    "freshet_consumer_policy_info", "gauge", "Always 1; the label says which policy sets the batch limit.", ("policy",)
)
LAG_RECORDS = Metric("freshet_consumer_lag_records", "gauge", "Records on vector-embeddings not yet processed.")
LAG_SECONDS = Metric(
    "freshet_consumer_lag_seconds", "gauge", "Since the oldest record of the batch at hand was embedded; 0 without one."
)
STORE_SECONDS = Metric("freshet_store_seconds", "histogram", "One call to the store.", ("operation",))
STORE_ERRORS = Metric("freshet_store_errors_total", "counter", "Store calls that failed and were retried.")
STORE_POINTS = Metric(
    "freshet_store_points", "gauge", "Points by kind: documents, tombstones, chunks, indexed.", ("kind",)
)
STORE_DISK = Metric("freshet_store_disk_bytes", "gauge", "Of the embedded store's folder.")
DEAD = Metric("freshet_dead_letters_total", "counter", "Records sent to dead letters.", ("stage", "reason"))
SEARCH_SECONDS = Metric("freshet_search_seconds", "histogram", "One search, by part: embed, store, total.", ("part",))
SEARCH_REQUESTS = Metric(
    "freshet_search_requests_total", "counter", "Search requests by status code.", ("status",),
    values=("200", "400", "401", "500", "503"),
)  # fmt: skip
SEARCH_WAITING = Metric("freshet_search_waiting", "gauge", "Requests that wait for a thread or run in one.")
LIVE_CLIENTS = Metric("freshet_live_clients", "gauge", "Open event streams of the live page.")
LIVE_REFUSED = Metric(
    "freshet_live_refused_total",
    "counter",
    "Event streams not opened, or closed by us: limit, slow.",
    ("reason",),
    values=("limit", "slow"),
)
REDRIVEN = Metric("freshet_redriven_total", "counter", "Dead letters sent back while the monitor ran, by whomever.")
EMBEDDED = Metric(
    "freshet_embeddings_total",
    "counter",
    "Chunks by how the vector was had: model or cache.",
    ("origin",),
    values=("model", "cache"),
)
EMBED_SECONDS = Metric(
    "freshet_embedding_seconds", "histogram", "One computation of vectors by the model, where the job embeds itself."
)
EMBED_FAILURES = Metric("freshet_embedding_failures_total", "counter", "Computations of vectors that failed.")
JOB_RECORDS = Metric(
    "freshet_job_records_total", "counter", "Documents records by outcome in the Flink job.", ("outcome",)
)
FILES = Metric(
    "freshet_files_total", "counter", "File events by outcome: published, unchanged, deleted, refused.", ("outcome",)
)
CDC_CHANGES = Metric(
    "freshet_cdc_changes_total", "counter",
    "Changes of rows by outcome: published, deleted, unchanged, superseded, dead.", ("capture", "outcome"),
)  # fmt: skip
CDC_ROWS = Metric(
    "freshet_cdc_rows_read_total", "counter", "Rows read from a table itself: first reads and repairs.", ("capture",)
)
CDC_CONNECTOR_RUNNING = Metric(
    "freshet_cdc_connector_running", "gauge", "1 while the connector and its task run.", ("capture",)
)
CDC_SLOT_LOST = Metric(
    "freshet_cdc_slot_lost", "gauge", "1 when the slot is lost or gone: changes are missing, see freshet cdc repair.",
    ("capture",),
)  # fmt: skip
CDC_SLOT_BYTES = Metric(
    "freshet_cdc_slot_retained_bytes", "gauge", "Log that the database keeps for the slot.", ("capture",)
)
CDC_AUDIT_COMPARED = Metric(
    "freshet_cdc_audit_compared_documents", "gauge", "Documents of a table that its last audit compared.",
    ("capture", "table"),
)  # fmt: skip
CDC_AUDIT_DIFFERENCES = Metric(
    "freshet_cdc_audit_differences", "gauge",
    "What a table's last audit found, by kind: missing, orphaned, different, ahead.",
    ("capture", "table", "kind"),
)  # fmt: skip
CDC_AUDIT_TIME = Metric(
    "freshet_cdc_audit_last_timestamp_seconds", "gauge", "When a table's last audit ended, since the epoch.",
    ("capture", "table"),
)  # fmt: skip
CDC_AUDIT_FAILURES = Metric(
    "freshet_cdc_audit_failures_total", "counter", "Audits that could not be made: their figures are then old."
)
PUBLISHED = Metric(
    "freshet_published_total", "counter", "Delivery reports by outcome: acknowledged, failed.", ("outcome",)
)
INFERENCE_REQUESTS = Metric(
    "freshet_inference_requests_total", "counter", "Requests for embeddings by lane and status code.",
    ("lane", "status"),
)  # fmt: skip
INFERENCE_SECONDS = Metric("freshet_inference_seconds", "histogram", "One answered request, by lane.", ("lane",))
INFERENCE_BATCH_SECONDS = Metric(
    "freshet_inference_batch_seconds", "histogram", "One instance's computation of what it took at once."
)
INFERENCE_TOKENS = Metric(
    "freshet_inference_tokens_total", "counter", "Tokens computed, by the lane that the batch began with.", ("lane",)
)
INFERENCE_WAITING = Metric("freshet_inference_waiting_tokens", "gauge", "Tokens in the queue, by lane.", ("lane",))
INFERENCE_REFUSED = Metric(
    "freshet_inference_refused_total",
    "counter",
    "Requests not computed: overload, deadline, gone.",
    ("reason",),
    values=("overload", "deadline", "gone"),
)
INFERENCE_CACHE = Metric(
    "freshet_inference_cache_total", "counter", "Texts by what the cache had: hit, miss, fallback.", ("outcome",)
)
INFERENCE_COSINE = Metric(
    "freshet_inference_probe_cosine", "gauge", "Lowest cosine of a probe text to its reference, at the last look."
)
INFERENCE_DRIFTED = Metric(
    "freshet_inference_drifted", "gauge", "1 while the probes are below the threshold, and the server is not ready."
)
CANARY_SECONDS = Metric(
    "freshet_canary_seconds", "histogram", "The canary's document published until a search found it."
)
CANARY_LOST = Metric("freshet_canary_lost_total", "counter", "Canary documents that no search found in time.")
CANARY_SUCCESS = Metric(
    "freshet_canary_last_success_timestamp_seconds", "gauge", "When the canary was last found, since the epoch."
)
GROUP_LAG_RECORDS = Metric(
    "freshet_group_lag_records", "gauge", "Records behind the committed offsets: at most a commit interval too high.",
    ("group",),
)  # fmt: skip
GROUP_LAG_SECONDS = Metric(
    "freshet_group_lag_seconds", "gauge", "Age of the oldest record behind the committed offsets; 0 without one.",
    ("group",),
)  # fmt: skip
DEAD_WAITING = Metric("freshet_dead_letters_waiting", "gauge", "Records on dead-letters that were not redriven.")
MONITOR_ERRORS = Metric(
    "freshet_monitor_errors_total", "counter", "Looks of the monitor that failed: its other figures are then old."
)
PROCESS_UP = Metric("freshet_process_up", "gauge", "1 while a process of the local stack lives.", ("process",))
PROCESS_MEMORY = Metric(
    "freshet_process_memory_bytes",
    "gauge",
    "Resident memory of a process of the local stack and its children.",
    ("process",),
)
PROCESS_CPU = Metric(
    "freshet_process_cpu_seconds_total", "counter", "Processor time of a process of the local stack and its children.",
    ("process",),
)  # fmt: skip
PROCESS_START = Metric(
    "freshet_process_start_time_seconds", "gauge", "When a process of the local stack was started, since the epoch.",
    ("process",),
)  # fmt: skip
BUILD = Metric("freshet_build_info", "gauge", "Always 1; the labels say what runs.", ("version", "model", "revision"))

METRICS = (
    FRESHNESS, HOP, RECORDS, BATCH_SIZE, BATCH_LIMIT, BATCH_SECONDS, BATCH_P99, POLICY_DECISIONS, POLICY, LAG_RECORDS,
    LAG_SECONDS, STORE_SECONDS, STORE_ERRORS, STORE_POINTS, STORE_DISK, DEAD, SEARCH_SECONDS, SEARCH_REQUESTS,
    SEARCH_WAITING, LIVE_CLIENTS, LIVE_REFUSED, REDRIVEN, EMBEDDED, EMBED_SECONDS, EMBED_FAILURES, JOB_RECORDS, FILES,
    CDC_CHANGES, CDC_ROWS, CDC_CONNECTOR_RUNNING, CDC_SLOT_LOST, CDC_SLOT_BYTES,
    CDC_AUDIT_COMPARED, CDC_AUDIT_DIFFERENCES, CDC_AUDIT_TIME, CDC_AUDIT_FAILURES,
    PUBLISHED, INFERENCE_REQUESTS, INFERENCE_SECONDS, INFERENCE_BATCH_SECONDS, INFERENCE_TOKENS, INFERENCE_WAITING,
    INFERENCE_REFUSED, INFERENCE_CACHE, INFERENCE_COSINE, INFERENCE_DRIFTED, CANARY_SECONDS, CANARY_LOST,
    CANARY_SUCCESS, GROUP_LAG_RECORDS, GROUP_LAG_SECONDS, DEAD_WAITING, MONITOR_ERRORS, PROCESS_UP, PROCESS_MEMORY,
    PROCESS_CPU, PROCESS_START, BUILD,
)  # fmt: skip
