"""The embedding model, in the job and behind the inference server."""

from __future__ import annotations

from freshet import metrics
from grafana.generator.panel import Dashboard, Panel, Query, Row
from grafana.generator.promql import SLO_SECONDS, highest, observed, quantile, rate, total

MODELS = Dashboard(
    "models",
    "Freshet: models",
    "Which model runs where, what it costs, and whether it still says what it said.",
    (
        Row(
            "Everywhere",
            (
                Panel(
                    "Processes by model and revision",
                    "More than one revision: some vectors cannot be compared, and are refused.",
                    "short",
                    (
                        Query(
                            total(metrics.BUILD, "model", "revision", "version"), "{{model}} {{revision}} ({{version}})"
                        ),
                    ),
                ),
                Panel(
                    "Failures",
                    "Computations that failed.",
                    "ops",
                    (Query(rate(metrics.EMBED_FAILURES, "component"), "{{component}}"),),
                ),
            ),
        ),
        Row(
            "In the job",
            (
                Panel(
                    "Chunks by where their vector came from",
                    "cache: embedding avoided, as the content did not change.",
                    "ops",
                    (Query(rate(metrics.EMBEDDED, "origin"), "{{origin}}"),),
                    kind="stack",
                ),
                Panel(
                    "One computation",
                    "By the model; right: computations a second.",
                    "s",
                    (
                        Query(quantile(0.5, metrics.EMBED_SECONDS), "P50"),
                        Query(quantile(0.99, metrics.EMBED_SECONDS), "P99"),
                        Query(observed(metrics.EMBED_SECONDS), "a second", right=True, unit="ops"),
                    ),
                    limit=SLO_SECONDS,
                ),
            ),
        ),
        Row(
            "Inference server",
            (
                Panel(
                    "Requests",
                    "By lane and status code.",
                    "reqps",
                    (Query(rate(metrics.INFERENCE_REQUESTS, "lane", "status"), "{{lane}} {{status}}"),),
                    kind="stack",
                ),
                Panel(
                    "Latency",
                    "Of answered requests, P99 by lane; and one instance's computation.",
                    "s",
                    (
                        Query(quantile(0.99, metrics.INFERENCE_SECONDS, "lane"), "{{lane}}"),
                        Query(quantile(0.99, metrics.INFERENCE_BATCH_SECONDS), "computation", dashed=True),
                    ),
                    limit=SLO_SECONDS,
                ),
                Panel(
                    "Queue",
                    "Tokens that wait, by lane; right: requests refused, by reason.",
                    "short",
                    (
                        Query(total(metrics.INFERENCE_WAITING, "lane"), "{{lane}}"),
                        Query(rate(metrics.INFERENCE_REFUSED, "reason"), "refused: {{reason}}", right=True, unit="ops"),
                    ),
                ),
                Panel(
                    "Tokens computed",
                    "By the lane that the batch began with.",
                    "ops",
                    (Query(rate(metrics.INFERENCE_TOKENS, "lane"), "{{lane}}"),),
                    kind="stack",
                ),
                Panel(
                    "Cache",
                    "Texts by what the cache had.",
                    "ops",
                    (Query(rate(metrics.INFERENCE_CACHE, "outcome"), "{{outcome}}"),),
                    kind="stack",
                ),
                Panel(
                    "Drift",
                    "Lowest cosine of a probe text to its reference; right: 1 while below the threshold.",
                    "none",
                    (
                        Query(f"min({metrics.INFERENCE_COSINE.name})", "cosine"),
                        Query(highest(metrics.INFERENCE_DRIFTED), "drifted", right=True, unit="none"),
                    ),
                ),
            ),
        ),
    ),
)
