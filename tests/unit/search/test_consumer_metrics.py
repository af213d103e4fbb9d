"""Batch figures read from real metrics endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from prometheus_client import CollectorRegistry, Gauge, Histogram, start_http_server

from freshet import metrics
from freshet.errors import UnavailableError
from freshet.stack.process import free_port
from search.consumer_metrics import ConsumerMetrics

SECOND = 1_000_000_000


class Consumer:
    """The metrics of one, on a port of its own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.p99 = Gauge(metrics.BATCH_P99.name, "p99", registry=registry)
        self.limit = Gauge(metrics.BATCH_LIMIT.name, "limit", registry=registry)
        self.policy = Gauge(metrics.POLICY.name, "policy", ["policy"], registry=registry)
        self.size = Histogram(metrics.BATCH_SIZE.name, "size", registry=registry)
        port = free_port()
        self.url = f"http://localhost:{port}/metrics"
        self._server, self._thread = start_http_server(port, "127.0.0.1", registry)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def consumer() -> Iterator[Callable[[], Consumer]]:
    with ExitStack() as opened:

        def start() -> Consumer:
            made = Consumer()
            opened.callback(made.stop)
            return made

        yield start


def test_the_slowest_and_the_mean_of_all_are_shown(consumer: Callable[[], Consumer]) -> None:
    one, other = consumer(), consumer()
    reader = ConsumerMetrics([one.url, other.url])
    one.policy.labels("deadline").set(1)
    one.p99.set(0.004)
    other.p99.set(0.020)
    other.limit.set(50)
    first = reader.read(0)
    assert (first.p99_ms, first.limit, first.policy, first.size) == (20.0, 50, "deadline", None)
    for size in (2, 4, 9):
        one.size.observe(size)
    other.size.observe(5)
    assert reader.read(SECOND).size == 5.0
    assert reader.read(30 * SECOND).size is None, "none in the last ten seconds"
    reader.close()


def test_one_that_is_away_does_not_hide_the_other(consumer: Callable[[], Consumer]) -> None:
    one = consumer()
    one.p99.set(0.001)
    reader = ConsumerMetrics([f"http://127.0.0.1:{free_port()}/metrics", one.url])
    assert reader.read(0).p99_ms == 1.0
    reader.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/metrics", "http://no-such-host.invalid/metrics"])
def test_where_none_answers_the_reason_is_said(url: str) -> None:
    reader = ConsumerMetrics([url])
    with pytest.raises(UnavailableError, match="FRESHET_SEARCH_CONSUMERS"):
        reader.read(0)
    reader.close()
