"""What counting costs in processor time for each event, and what being watched costs in throughput."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import httpx

from consumers.observer import Observer
from freshet.bench.texts import texts
from freshet.clock import wall_clock
from freshet.embedding.load import load_embedder
from freshet.headers import STAMPS
from freshet.metrics import EMBED_SECONDS, EMBEDDED, JOB_RECORDS
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings, model_settings
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port, wait_until
from freshet.stack.settings import StackSettings
from freshet.store import Head

EVENTS = 4_000
PAIRS = 4
CALLS = 20_000
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Overhead:
    """``counting`` is seconds of one core for one event, job and consumer together; rates are events a second."""

    counting: float
    alone: tuple[float, ...]
    watched: tuple[float, ...]

    @property
    def lost(self) -> float:
        """Share of the throughput that is gone while Prometheus asks every five seconds."""
        return 1 - mean(self.watched) / mean(self.alone)


def overhead() -> Overhead:
    """Blocks for about three minutes. Pairs alternate, so that a machine that slows down slows both."""
    with tempfile.TemporaryDirectory(prefix="freshet-overhead-") as folder:
        stack = LocalStack(StackSettings(state=Path(folder), search_port=free_port(), prometheus=True))
        try:
            stack.prepare(lambda step, share: None)
            stack.start(lambda step, share: None)
            assert stack.observers is not None
            contents = texts(load_embedder(model_settings()), 14, seed=1)
            _drain(stack, "warm-up", contents)
            rates: dict[bool, list[float]] = {False: [], True: []}
            for number in range(2 * PAIRS):
                # a b b a: whatever drifts meanwhile drifts for both alike
                watched = number % 4 in (1, 2)
                with ExitStack() as frozen:
                    for process in () if watched else stack.observers.processes:
                        frozen.enter_context(process.frozen())
                    rates[watched].append(_drain(stack, f"run-{number}", contents))
            return Overhead(_counting(), tuple(rates[False]), tuple(rates[True]))
        finally:
            stack.abort()


def _drain(stack: LocalStack, name: str, contents: Iterator[str]) -> float:
    """Events a second, from the first publication until all are in the store."""
    before = _written(stack)
    started = time.monotonic()
    with Publisher(KafkaSettings(bootstrap=stack.bootstrap)) as publisher:
        for number in range(EVENTS):
            publisher.publish(f"{name}/{number}", next(contents), version=1, source="bench")
    wait_until(lambda: _written(stack) >= before + EVENTS, f"{name} is written", SECONDS, stack.processes[:3])
    return EVENTS / (time.monotonic() - started)


def _written(stack: LocalStack) -> int:
    time.sleep(0.1)
    consumer = httpx.get(f"{stack.search_url}/status", timeout=10).json()["host"]["consumer"]
    return int(consumer["outcomes"].get("written", 0))


def _counting() -> float:
    """Of batches of one, the most expensive, with all that the job counts."""
    observer = Observer(wall_clock)
    head = Head("document", 1, stamps={name: time.time_ns() for name in STAMPS})
    outcomes = Counter(written=1)
    seconds, records, made = EMBED_SECONDS.histogram(), JOB_RECORDS.counter(), EMBEDDED.counter()

    def event() -> None:
        with seconds.time():
            pass
        records.labels("upsert").inc()
        made.labels("model").inc()
        with observer.holding(1), observer.store_call("heads"):
            pass
        with observer.store_call("write"):
            pass
        observer.batch(1, 0.001, outcomes, [head], [], time.time_ns())

    return _each(event)


def _each(call: Callable[[], None]) -> float:
    for _ in range(CALLS):
        call()
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - started) / CALLS
