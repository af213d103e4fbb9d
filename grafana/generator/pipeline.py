"""Each stage in the order of the flow: what it took, what it did with it, how long that took."""

from __future__ import annotations

from freshet import metrics
from grafana.generator.panel import Dashboard, Panel, Query, Row
from grafana.generator.promql import SLO_SECONDS, highest, mean, quantile, rate, total

PIPELINE = Dashboard(
    "pipeline",
    "Freshet: pipeline",
    "What each stage does with what comes.",
    (
        Row(
            "Files to documents",
            (
                Panel(
                    "File events",
                    "By outcome. Only where a folder is watched.",
                    "ops",
                    (Query(rate(metrics.FILES, "outcome"), "{{outcome}}"),),
                    kind="stack",
                ),
                Panel(
                    "Published",
                    "Delivery reports of the file producer, by outcome.",
                    "ops",
                    (Query(rate(metrics.PUBLISHED, "outcome"), "{{outcome}}"),),
                    kind="stack",
                ),
            ),
        ),
        Row(
            "Rows to documents (change capture)",
            (
                Panel(
                    "Changes of rows",
                    "By outcome; and rows read from the tables themselves.",
                    "ops",
                    (
                        Query(rate(metrics.CDC_CHANGES, "capture", "outcome"), "{{capture}}: {{outcome}}"),
                        Query(rate(metrics.CDC_ROWS, "capture"), "{{capture}}: read", dashed=True),
                    ),
                ),
                Panel(
                    "Slot and connector",
                    "Log that the database keeps for the slot; right: 1 while the connector runs, 1 for a lost slot.",
                    "bytes",
                    (
                        Query(highest(metrics.CDC_SLOT_BYTES, "capture"), "{{capture}}: kept"),
                        Query(
                            highest(metrics.CDC_CONNECTOR_RUNNING, "capture"),
                            "{{capture}}: running",
                            right=True,
                            unit="none",
                        ),
                        Query(highest(metrics.CDC_SLOT_LOST, "capture"), "{{capture}}: lost", right=True, unit="none"),
                    ),
                ),
                Panel(
                    "Audit: rows against documents",
                    "What each table's last audit found to differ; audits that failed; right: documents compared.",
                    "none",
                    (
                        Query(
                            highest(metrics.CDC_AUDIT_DIFFERENCES, "capture", "table", "kind"),
                            "{{capture}} {{table}}: {{kind}}",
                        ),
                        Query(total(metrics.CDC_AUDIT_FAILURES), "failed"),
                        Query(
                            highest(metrics.CDC_AUDIT_COMPARED, "capture", "table"),
                            "{{capture}} {{table}}: compared",
                            right=True,
                            dashed=True,
                        ),
                    ),
                ),
                Panel(
                    "Audit: since the last one",
                    "Of each table that `freshet audit --every` compares.",
                    "s",
                    (
                        Query(
                            f"time() - {highest(metrics.CDC_AUDIT_TIME, 'capture', 'table')}", "{{capture}} {{table}}"
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Documents to vectors",
            (
                Panel(
                    "Job: records of documents",
                    "By outcome. stale: an older version than one that passed. dead: sent to dead letters.",
                    "ops",
                    (Query(rate(metrics.JOB_RECORDS, "outcome"), "{{outcome}}"),),
                    kind="stack",
                ),
                Panel(
                    "Job: published to embedded",
                    "The broker, Flink and the model together.",
                    "s",
                    tuple(
                        Query(quantile(share, metrics.HOP, where='hop="embed"'), f"P{share * 100:g}")
                        for share in (0.5, 0.99)
                    ),
                    limit=SLO_SECONDS,
                ),
            ),
        ),
        Row(
            "Vectors to the store",
            (
                Panel(
                    "Consumer: records of vector-embeddings",
                    "By outcome.",
                    "ops",
                    (Query(rate(metrics.RECORDS, "outcome"), "{{outcome}}"),),
                    kind="stack",
                ),
                Panel(
                    "Batches",
                    "Fetched to acknowledged by the store; right: records in one.",
                    "s",
                    (
                        Query(quantile(0.5, metrics.BATCH_SECONDS), "P50"),
                        Query(quantile(0.99, metrics.BATCH_SECONDS), "P99"),
                        Query(highest(metrics.BATCH_P99), "P99 that the policy sees", dashed=True),
                        Query(mean(metrics.BATCH_SIZE), "records, mean", right=True, unit="short"),
                    ),
                    limit=SLO_SECONDS,
                ),
                Panel(
                    "Policy",
                    "What it did to the limit; right: the limit.",
                    "ops",
                    (
                        Query(rate(metrics.POLICY_DECISIONS, "decision"), "{{decision}}"),
                        Query(highest(metrics.BATCH_LIMIT), "limit", right=True, unit="short"),
                        Query(total(metrics.POLICY, "policy"), "{{policy}}", right=True, unit="short", dashed=True),
                    ),
                ),
                Panel(
                    "Consumer: lag",
                    "Records not processed; right: how old the oldest of the batch at hand is.",
                    "short",
                    (
                        Query(total(metrics.LAG_RECORDS), "records"),
                        Query(highest(metrics.LAG_SECONDS), "oldest", right=True, unit="s"),
                    ),
                ),
            ),
        ),
        Row(
            "Search",
            (
                Panel(
                    "Searches",
                    "By status code.",
                    "reqps",
                    (Query(rate(metrics.SEARCH_REQUESTS, "status"), "{{status}}"),),
                    kind="stack",
                ),
                Panel(
                    "Search latency, P99",
                    "By part: the query's vector, the store, all of it.",
                    "s",
                    (Query(quantile(0.99, metrics.SEARCH_SECONDS, "part"), "{{part}}"),),
                    limit=SLO_SECONDS,
                ),
                Panel(
                    "Waiting",
                    "Searches that wait for a thread or run in one, and event streams of the live page.",
                    "short",
                    (
                        Query(total(metrics.SEARCH_WAITING), "searches"),
                        Query(total(metrics.LIVE_CLIENTS), "streams"),
                    ),
                ),
                Panel(
                    "Streams not opened or closed by us",
                    "At the limit of clients, or a client too slow.",
                    "ops",
                    (Query(rate(metrics.LIVE_REFUSED, "reason"), "{{reason}}"),),
                ),
            ),
        ),
        Row(
            "Refused",
            (
                Panel(
                    "Dead letters",
                    "By stage and reason.",
                    "ops",
                    (Query(rate(metrics.DEAD, "stage", "reason"), "{{stage}}: {{reason}}"),),
                    kind="stack",
                ),
                Panel(
                    "Dead letters that wait",
                    "Not redriven; right: redriven a second.",
                    "short",
                    (
                        Query(highest(metrics.DEAD_WAITING), "waiting"),
                        Query(rate(metrics.REDRIVEN), "redriven", right=True, unit="ops"),
                    ),
                ),
            ),
        ),
    ),
)
