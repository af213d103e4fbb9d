"""The list of metrics keeps its own rules."""

from __future__ import annotations

import re

import pytest

from freshet.metrics import LATENCY_BUCKETS, METRICS, SEARCH_REQUESTS, Metric

UNBOUNDED = re.compile(r"tenant|document|^id$|_id$|key|path|query|text|trace|offset|url|user|client")
"""Labels of which there would be one value for each customer, document or request."""


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_its_kind_wants(metric: Metric) -> None:
    assert re.fullmatch(r"freshet_[a-z0-9_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.meaning.endswith(".")
    assert bool(metric.buckets) <= (metric.kind == "histogram")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_no_label_grows_with_tenants_or_documents(metric: Metric) -> None:
    assert len(metric.labels) <= 3
    assert not [label for label in metric.labels if UNBOUNDED.search(label)]


def test_names_are_unique() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_latencies_reach_from_a_millisecond_to_a_minute_with_a_bound_at_the_promise() -> None:
    assert (LATENCY_BUCKETS[0], LATENCY_BUCKETS[-1]) == (0.001, 60)
    assert 0.1 in LATENCY_BUCKETS
    assert list(LATENCY_BUCKETS) == sorted(LATENCY_BUCKETS)


def test_an_answer_that_an_alert_counts_is_there_at_zero() -> None:
    """A hundred refused at once would else be a counter that begins at a hundred, and no growth."""
    counter = SEARCH_REQUESTS.counter()
    there = {sample.labels["status"] for family in counter.collect() for sample in family.samples}
    assert {"200", "500", "503"} <= there
