"""The vector store as its users see it."""

from __future__ import annotations

from freshet import metrics
from grafana.generator.panel import Dashboard, Panel, Query, Row
from grafana.generator.promql import SLO_SECONDS, highest, observed, quantile, rate
from grafana.generator.recorded import BACKLOG

STORE = Dashboard(
    "store",
    "Freshet: store",
    "How fast the store answers, what lies in it, and how far its index is behind.",
    (
        Row(
            "Calls",
            (
                Panel(
                    "Consumer: latency, P99",
                    "By call. heads: read versions. write: chunks and heads. flush: make durable.",
                    "s",
                    (Query(quantile(0.99, metrics.STORE_SECONDS, "operation"), "{{operation}}"),),
                    limit=SLO_SECONDS,
                ),
                Panel(
                    "Consumer: calls",
                    "By call.",
                    "ops",
                    (Query(observed(metrics.STORE_SECONDS, "operation"), "{{operation}}"),),
                    kind="stack",
                ),
                Panel(
                    "Search: the store's part",
                    "Nearest neighbours and their heads.",
                    "s",
                    tuple(
                        Query(quantile(share, metrics.SEARCH_SECONDS, where='part="store"'), f"P{share * 100:g}")
                        for share in (0.5, 0.99)
                    ),
                    limit=SLO_SECONDS,
                ),
                Panel(
                    "Errors",
                    "Calls that failed and were tried again.",
                    "ops",
                    (Query(rate(metrics.STORE_ERRORS), "errors"),),
                ),
            ),
        ),
        Row(
            "Content",
            (
                Panel(
                    "Points",
                    "documents: live ones. tombstones: deleted ones, of which the version is kept. chunks: vectors, "
                    "those not swept yet included.",
                    "short",
                    (Query(highest(metrics.STORE_POINTS, "kind"), "{{kind}}"),),
                ),
                Panel(
                    "Index backlog",
                    "Vectors that no HNSW graph holds: searched one by one. A build starts at a set number of them.",
                    "short",
                    (Query(BACKLOG.name, "vectors"),),
                ),
                Panel(
                    "Disk",
                    "Of the embedded store.",
                    "bytes",
                    (Query(highest(metrics.STORE_DISK), "bytes"),),
                ),
            ),
        ),
    ),
)
