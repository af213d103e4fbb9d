"""How fresh this process has made documents, read from its own metrics."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry

from freshet import metrics


def freshness(registry: CollectorRegistry = REGISTRY) -> dict[str, float] | None:
    """p50 and p99 in milliseconds since the process started, and the count; None where nothing was measured here.

    Read off a histogram's buckets, so a percentile is as exact as its bucket is narrow.
    """
    buckets = [
        (float(sample.labels["le"]), sample.value)
        for family in registry.collect()
        if family.name == metrics.FRESHNESS.name
        for sample in family.samples
        if sample.name.endswith("_bucket")
    ]
    buckets.sort()
    count = buckets[-1][1] if buckets else 0
    if not count:
        return None
    return {
        "p50": round(_quantile(buckets, count * 0.5) * 1e3, 1),
        "p99": round(_quantile(buckets, count * 0.99) * 1e3, 1),
        "count": count,
    }


def _quantile(buckets: list[tuple[float, float]], rank: float) -> float:
    """Linear within the bucket that holds the rank; the last finite bound where it lies beyond."""
    lower, below = 0.0, 0.0
    for upper, cumulated in buckets:
        if cumulated >= rank:
            if upper == float("inf"):
                return lower
            return lower + (upper - lower) * (rank - below) / (cumulated - below)
        lower, below = upper, cumulated
    return lower
