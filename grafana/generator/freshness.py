"""The north star: how fresh, at which batch size, and where each millisecond goes."""

from __future__ import annotations

from freshet import metrics
from grafana.generator.panel import Dashboard, Panel, Query, Row
from grafana.generator.promql import (
    SLO_SECONDS,
    STEP,
    buckets,
    highest,
    late_share,
    mean,
    observed,
    quantile,
    rate,
    total,
)
from grafana.generator.recorded import BURN_WINDOWS, late

FRESH = metrics.FRESHNESS

FRESHNESS = Dashboard(
    "freshness",
    "Freshet: freshness",
    "How long it takes from a change at its source until a search finds it, and why.",
    (
        Row(
            "North star",
            (
                Panel(
                    "P99 latency against batch size",
                    "Left: how long a batch took, fetched to acknowledged, and how fresh its documents were. Right: "
                    "how many records it held, and the policy's bound. Under stress one is traded for the other.",
                    "s",
                    (
                        Query(quantile(0.99, FRESH), "freshness P99"),
                        Query(quantile(0.99, metrics.BATCH_SECONDS), "batch latency P99"),
                        Query(mean(metrics.BATCH_SIZE), "records in a batch, mean", right=True, unit="short"),
                        Query(total(metrics.BATCH_LIMIT), "batch limit", right=True, unit="short", dashed=True),
                    ),
                    span=24,
                    height=11,
                    limit=SLO_SECONDS,
                ),
                Panel(
                    "Searchable within 100 ms",
                    "Share of the changes of the shown step; the goal is 99 %.",
                    "percentunit",
                    (Query(f"1 - ({late_share(FRESH, STEP)})"),),
                    kind="number",
                    span=6,
                    height=5,
                ),
                Panel(
                    "P50",
                    "Source commit to searchable.",
                    "s",
                    (Query(quantile(0.5, FRESH)),),
                    kind="number",
                    span=6,
                    height=5,
                    limit=SLO_SECONDS,
                ),
                Panel(
                    "Changes a second",
                    "Documents that became searchable, or were deleted.",
                    "ops",
                    (Query(observed(FRESH)),),
                    kind="number",
                    span=6,
                    height=5,
                ),
                Panel(
                    "Behind",
                    "Records on vector-embeddings that the consumer has not processed.",
                    "short",
                    (Query(total(metrics.LAG_RECORDS)),),
                    kind="number",
                    span=6,
                    height=5,
                    limit=1000,
                ),
            ),
        ),
        Row(
            "End to end",
            (
                Panel(
                    "Freshness",
                    "Source commit to searchable: how many changes a second took how long.",
                    "s",
                    (Query(buckets(FRESH), "{{le}}"),),
                    kind="heatmap",
                ),
                Panel(
                    "Freshness",
                    "The same as percentiles, on a logarithmic scale.",
                    "s",
                    tuple(Query(quantile(share, FRESH), f"P{share * 100:g}") for share in (0.5, 0.9, 0.99, 0.999)),
                    limit=SLO_SECONDS,
                    log=True,
                ),
                Panel(
                    "Hops, mean",
                    "publish: source commit to the producer's send. embed: published to embedded. upsert: embedded to "
                    "acknowledged by the store. Their sum is the mean freshness.",
                    "s",
                    (Query(mean(metrics.HOP, "hop"), "{{hop}}"),),
                    kind="stack",
                ),
                Panel(
                    "Hops, P99",
                    "Percentiles of hops do not add up.",
                    "s",
                    (Query(quantile(0.99, metrics.HOP, "hop"), "{{hop}}"),),
                    limit=SLO_SECONDS,
                ),
            ),
        ),
        Row(
            "Lag",
            (
                Panel(
                    "Age of the oldest record",
                    "Not committed, by reading group. A group commits every second or two, so that much is normal.",
                    "s",
                    (
                        Query(highest(metrics.GROUP_LAG_SECONDS, "group"), "{{group}}"),
                        Query(highest(metrics.LAG_SECONDS), "batch at hand", dashed=True),
                    ),
                    limit=10,
                ),
                Panel(
                    "Records",
                    "Not committed, by reading group.",
                    "short",
                    (Query(highest(metrics.GROUP_LAG_RECORDS, "group"), "{{group}}"),),
                ),
            ),
        ),
        Row(
            "Objective: 99 % of the changes searchable within 100 ms",
            (
                Panel(
                    "Burn rate",
                    "How many times faster than allowed the budget for late changes is used up, by window. "
                    "14.4 over an hour, 6 over six hours: somebody is called.",
                    "none",
                    tuple(Query(f"({late(window)}) / 0.01", window) for window in BURN_WINDOWS),
                    limit=1,
                ),
                Panel(
                    "Canary",
                    "A marked document, published and searched for until found: as a user sees it.",
                    "s",
                    (
                        Query(quantile(0.5, metrics.CANARY_SECONDS), "P50"),
                        Query(quantile(0.99, metrics.CANARY_SECONDS), "P99"),
                        Query(
                            f"time() - {highest(metrics.CANARY_SUCCESS)}",
                            "since the last was found",
                            right=True,
                            unit="s",
                            dashed=True,
                        ),
                        Query(rate(metrics.CANARY_LOST), "lost a second", right=True, unit="ops"),
                    ),
                ),
            ),
        ),
    ),
)
