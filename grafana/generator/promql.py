"""PromQL from typed metrics, so that no name is written twice."""

from __future__ import annotations

from freshet.foreign_metrics import ForeignMetric
from freshet.metrics import Metric

STEP = "$__rate_interval"
"""Grafana's window for rates, from the range that is shown and how often Prometheus asks."""
SLO_SECONDS = 0.1
SLO_SHARE = 0.99


def rate(metric: Metric | ForeignMetric, *by: str, where: str = "", window: str = STEP) -> str:
    """Per second, summed over processes."""
    return f"{_sum(by)} (rate({metric.name}{_where(where)}[{window}]))"


def total(metric: Metric | ForeignMetric, *by: str, where: str = "") -> str:
    """A gauge, summed over processes."""
    return f"{_sum(by)} ({metric.name}{_where(where)})"


def highest(metric: Metric | ForeignMetric, *by: str, where: str = "") -> str:
    """A gauge that every process tells alike, or of which the worst counts."""
    return f"max by ({', '.join(by)}) ({metric.name}{_where(where)})" if by else f"max({metric.name}{_where(where)})"


def quantile(share: float, histogram: Metric, *by: str, where: str = "", window: str = STEP) -> str:
    return f"histogram_quantile({share:g}, {buckets(histogram, *by, where=where, window=window)})"


def buckets(histogram: Metric, *by: str, where: str = "", window: str = STEP) -> str:
    """How many observations a second are at most so large, by ``le``."""
    return f"{_sum(('le', *by))} (rate({histogram.name}_bucket{_where(where)}[{window}]))"


def observed(histogram: Metric, *by: str, where: str = "", window: str = STEP) -> str:
    """Observations a second."""
    return f"{_sum(by)} (rate({histogram.name}_count{_where(where)}[{window}]))"


def mean(histogram: Metric, *by: str, where: str = "", window: str = STEP) -> str:
    added = f"{_sum(by)} (rate({histogram.name}_sum{_where(where)}[{window}]))"
    return f"{added} / {observed(histogram, *by, where=where, window=window)}"


def late_share(histogram: Metric, window: str, seconds: float = SLO_SECONDS) -> str:
    """Which share of the observations took longer."""
    bound = f'{{le="{seconds}"}}'
    return f"1 - sum(rate({histogram.name}_bucket{bound}[{window}])) / sum(rate({histogram.name}_count[{window}]))"


def _sum(by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)})" if by else "sum"


def _where(where: str) -> str:
    return f"{{{where}}}" if where else ""
