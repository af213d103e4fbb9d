"""What counting costs in processor time for each event, and what being watched costs for each second."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from consumers.observer import Observer
from freshet.bench.texts import texts
from freshet.clock import wall_clock
from freshet.embedding.load import load_embedder
from freshet.headers import STAMPS
from freshet.metrics import EMBED_SECONDS, EMBEDDED, JOB_RECORDS
from freshet.monitor.processes import cpu_seconds
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings, model_settings
from freshet.stack.local import LocalStack
from freshet.stack.process import StackProcess, free_port, wait_until
from freshet.stack.settings import StackSettings
from freshet.store import Head

EVENTS = 2_000
PAIRS = 3
LOOK_SECONDS = 15.0
SETTLE_SECONDS = 10.0
CALLS = 20_000
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Overhead:
    """``counting`` is seconds of one core for one event, job and consumer together.

    The others are cores in use while nothing else happens, one value a look: by the pipeline while nobody asks, by the
    pipeline while Prometheus and the monitor do, and by these two.
    """

    counting: float
    alone: tuple[float, ...]
    asked: tuple[float, ...]
    observers: tuple[float, ...]

    @property
    def watching(self) -> float:
        """Cores that being watched takes, wherever."""
        return median(self.asked) - median(self.alone) + median(self.observers)


def overhead() -> Overhead:
    """Blocks for about two and a half minutes. Looks alternate, so that whatever drifts does so for both."""
    with tempfile.TemporaryDirectory(prefix="freshet-overhead-") as folder:
        stack = LocalStack(StackSettings(state=Path(folder), search_port=free_port(), prometheus=True))
        try:
            stack.prepare(lambda step, share: None)
            stack.start(lambda step, share: None)
            assert stack.observers is not None
            _fill(stack)
            observers = stack.observers.processes
            pipeline = [process for process in stack.processes if process not in observers]
            alone, asked, own = [], [], []
            for number in range(2 * PAIRS):
                # a b b a
                if number % 4 in (1, 2):
                    before = _cores(observers)
                    asked.append(_look(pipeline))
                    own.append((_cores(observers) - before) / LOOK_SECONDS)
                    continue
                with ExitStack() as frozen:
                    for process in observers:
                        frozen.enter_context(process.frozen())
                    alone.append(_look(pipeline))
            return Overhead(_counting(), tuple(alone), tuple(asked), tuple(own))
        finally:
            stack.abort()


def _fill(stack: LocalStack) -> None:
    """So that every series is there; then wait until the JVMs have settled."""
    contents = texts(load_embedder(model_settings()), 14, seed=1)
    with Publisher(KafkaSettings(bootstrap=stack.bootstrap)) as publisher:
        for number in range(EVENTS):
            publisher.publish(f"event/{number}", next(contents), version=1, source="bench")
    wait_until(lambda: _written(stack) >= EVENTS, "all is written", SECONDS, stack.processes[:3])
    time.sleep(SETTLE_SECONDS)


def _written(stack: LocalStack) -> int:
    consumer = httpx.get(f"{stack.search_url}/status", timeout=10).json()["host"]["consumer"]
    return int(consumer["outcomes"].get("written", 0))


def _look(processes: Sequence[StackProcess]) -> float:
    """Cores in use, over some seconds."""
    before = _cores(processes)
    time.sleep(LOOK_SECONDS)
    return (_cores(processes) - before) / LOOK_SECONDS


def _cores(processes: Sequence[StackProcess]) -> float:
    return sum(cpu_seconds(process.pid) for process in processes)


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
