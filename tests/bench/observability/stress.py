"""A store that costs more per record now and then, under load: P99 and batch limit as Prometheus saw them."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray

from freshet import metrics
from freshet.bench.load import Plan, send
from freshet.embedding.load import load_embedder
from freshet.metrics_endpoint import serve_metrics
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings, model_settings
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.settings import StackSettings
from freshet.store import ChunkPoint, CollectionInfo, Head
from freshet.store.settings import StoreSettings, open_store
from grafana.generator.promql import quantile
from tests.bench.policies.live import Bench, SlowStore

RATE = 120
PULSE_SECONDS = 15
PULSES = 3
SECONDS = 2 * PULSE_SECONDS * PULSES
SLOW_BY = 0.012
"""Seconds for each record, so that 120 a second are more than the store takes."""
WARM_UP_EVENTS = 1_500
SERIES = {
    "p99": metrics.BATCH_P99.name,
    "limit": metrics.BATCH_LIMIT.name,
    "size": f"rate({metrics.BATCH_SIZE.name}_sum[3s]) / rate({metrics.BATCH_SIZE.name}_count[3s])",
    "fresh": quantile(0.99, metrics.FRESHNESS, window="3s"),
}
"""PromQL by name: the P99 that the policy sees, its limit, what a batch held, and how fresh documents were."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One value a second; NaN where there was none."""

    policy: str
    series: Mapping[str, Sequence[float]]

    def rho(self, one: str, other: str, later: int = 0) -> float:
        """Spearman's, over the seconds that have both; ``other`` is taken so many seconds later."""
        first, second = (np.array(self.series[name]) for name in (one, other))
        return spearman(first[: len(first) - later], second[later:])

    def rho_of_change(self, one: str, other: str) -> float:
        """Spearman's of one and by which factor the other changes from the second before to the second after."""
        first, second = (np.array(self.series[name]) for name in (one, other))
        return spearman(first[1:-1], second[2:] / second[:-2])


class PerRecordStore(SlowStore):
    """Each write waits ``each`` seconds for each of its chunks."""

    each = 0.0

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        time.sleep(self.each * len(chunks))
        super().write(chunks, heads, sweep)


def stress(policy: str) -> Seen:
    """Blocks for about two and a half minutes."""
    with tempfile.TemporaryDirectory(prefix="freshet-stress-") as folder:
        stack = LocalStack(
            StackSettings(state=Path(folder), search_port=free_port(), prometheus=True, scrape_seconds=1)
        )
        try:
            stack.prepare(lambda step, share: None)
            stack.start(lambda step, share: None)
            assert stack.observers is not None
            stack.serve.stop()
            addresses = {**stack.metrics_addresses, "serve": f"127.0.0.1:{serve_metrics(0)}"}
            stack.observers.scrape(addresses)
            store = open_store(StoreSettings(path=stack.state / "store", index_in_background=False))
            model = load_embedder(model_settings())
            store.open(CollectionInfo(model.model, model.revision, model.dimension))
            slow = PerRecordStore(store)
            bench = Bench(stack, model, slow, KafkaSettings(bootstrap=stack.bootstrap))
            with bench.consumer(policy):
                bench.load("warm-up", WARM_UP_EVENTS)
                started = time.time() + 0.5
                _load(bench, slow, started)
            seen = Seen(policy, _series(stack.observers.prometheus.url, started))
            store.close()
            return seen
        finally:
            stack.abort()


def _load(bench: Bench, store: PerRecordStore, started: float) -> None:
    plan = Plan("stress", int(started * 1e9), RATE, RATE * SECONDS)
    stop = threading.Event()
    pulses = threading.Thread(target=_pulse, args=(store, started, stop))
    pulses.start()
    try:
        with Publisher(bench.kafka) as publisher:
            send(plan, publisher, bench.contents)
        bench.wait([plan.id(number) for number in range(plan.events)])
    finally:
        stop.set()
        pulses.join()


def _pulse(store: PerRecordStore, started: float, stop: threading.Event) -> None:
    for number in range(2 * PULSES):
        if stop.wait(max(0.0, started + number * PULSE_SECONDS - time.time())):
            return
        store.each = SLOW_BY if number % 2 else 0.0


def _series(url: str, started: float) -> dict[str, list[float]]:
    end = started + SECONDS
    found: dict[str, list[float]] = {}
    for name, expression in SERIES.items():
        parameters: dict[str, str | float] = {"query": expression, "start": started, "end": end, "step": 1}
        answer = httpx.get(f"{url}/api/v1/query_range", params=parameters, timeout=30).raise_for_status().json()
        values = np.full(SECONDS, np.nan)
        for at, value in answer["data"]["result"][0]["values"]:
            if (second := round(at - started)) < SECONDS:
                values[second] = float(value)
        found[name] = values.tolist()
    return found


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Over the places where both are numbers."""
    both = np.isfinite(first) & np.isfinite(second)
    return float(np.corrcoef(_ranks(first[both]), _ranks(second[both]))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equal values share the mean of their places."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    places = np.cumsum(counts) - (counts - 1) / 2
    ranks: NDArray[np.float64] = places[inverse]
    return ranks
