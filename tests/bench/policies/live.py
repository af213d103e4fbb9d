"""Policies on the real local stack, its store slowed: ``python -m tests.bench.policies.live seed+1 deadline``.

Kafka, Flink and the model are the stack's own; the consumer runs in this process, on the stack's embedded store
behind a wrapper that waits. Each policy has a minute of open-loop load: 20 s as usual, 10 s in which each write takes
150 ms longer, 30 s as usual. Writes ``live.json`` beside this file. ``--record`` first writes ``recording.json``, the
arrivals of a real load for the simulator. Takes three minutes; nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import pydoc_data.topics
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from consumers.dead_letter_sink import KafkaDeadLetters
from consumers.observer import Observer
from consumers.policies import POLICIES
from consumers.settings import ConsumerSettings
from consumers.source import KafkaSource, Message
from consumers.upserter import Upserter
from freshet.bench.load import Plan, send
from freshet.bench.machine import describe
from freshet.bench.texts import texts
from freshet.clock import wall_clock
from freshet.embedding.load import ModelEmbedder, load_embedder
from freshet.headers import EMBEDDED, SOURCE_COMMIT, stamp
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings, model_settings
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port, wait_until
from freshet.stack.settings import StackSettings
from freshet.store import ChunkPoint, CollectionInfo, Head, VectorStore
from freshet.store.settings import StoreSettings, open_store
from tests.bench.policies.figures import latencies, recovery
from tests.bench.policies.scenario import RECORDING, Scenario
from tests.bench.policies.simulator import Run

FILE = Path(__file__).parent / "live.json"
RATE, SECONDS = 200, 60
SLOW_FROM, SLOW_UNTIL, SLOW_BY = 20.0, 30.0, 0.150
WARM_UP_EVENTS = 3_000
GRACE_SECONDS = 60.0


class SlowStore:
    """The real store; each write first waits ``delay`` seconds. Notes when each document was in it."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self.delay = 0.0
        self.done: dict[str, int] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        if self.delay:
            time.sleep(self.delay)
        self._store.write(chunks, heads, sweep)
        now = wall_clock()
        self.done.update({head.document_id: now for head in heads if head.pending is None})


class LimitLog(Observer):
    """Keeps the limit after each decision."""

    def __init__(self, policy: str) -> None:
        super().__init__(wall_clock, policy)
        self.limits: list[int] = []

    def limit(self, before: int, after: int, p99: float | None) -> None:
        super().limit(before, after, p99)
        self.limits.append(after)


class ArrivalLog(KafkaSource):
    """Keeps when each record's source changed and when it was embedded."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.on_release: list[Upserter] = []
        super().__init__(kafka, lambda partitions: self.on_release[0].release(partitions))
        self.arrivals: list[tuple[int, int]] = []

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        messages = super().fetch(limit, seconds)
        for message in messages:
            due, embedded = (stamp(message.headers, name) for name in (SOURCE_COMMIT, EMBEDDED))
            if due is not None and embedded is not None:
                self.arrivals.append((due, embedded))
        return messages


@dataclass
class Bench:
    """The stack with its own consumer stopped."""

    stack: LocalStack
    model: ModelEmbedder
    store: SlowStore
    kafka: KafkaSettings
    contents: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self.contents = texts(self.model, 14, seed=1)

    @contextmanager
    def consumer(self, policy: str) -> Iterator[tuple[ArrivalLog, LimitLog]]:
        """The product's loop in a thread of this process."""
        observer, source, stop = LimitLog(policy), ArrivalLog(self.kafka), threading.Event()
        upserter = Upserter(
            source, self.store, KafkaDeadLetters(self.kafka),  # type: ignore[arg-type]
            CollectionInfo(self.model.model, self.model.revision, self.model.dimension), ConsumerSettings(),
            POLICIES[policy], observer, wall_clock, stop.is_set,
        )  # fmt: skip
        source.on_release.append(upserter)

        def run() -> None:
            while not stop.is_set():
                upserter.step()
            upserter.commit()
            source.close()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield source, observer
        finally:
            stop.set()
            thread.join()

    def load(self, name: str, events: int) -> Plan:
        """Block until all of it is in the store, or the grace is over."""
        plan = Plan(name, time.time_ns() + 500_000_000, RATE, events)
        timers = []
        if events == RATE * SECONDS:
            timers = [threading.Timer(0.5 + at, self._slow, [by]) for at, by in ((SLOW_FROM, SLOW_BY), (SLOW_UNTIL, 0))]
        for timer in timers:
            timer.start()
        with Publisher(self.kafka) as publisher:
            send(plan, publisher, self.contents)
        self.wait([plan.id(number) for number in range(events)])
        return plan

    def wait(self, ids: Sequence[str]) -> None:
        wait_until(
            lambda: all(one in self.store.done for one in ids), "all is in the store", GRACE_SECONDS,
            self.stack.processes[:3],
        )  # fmt: skip

    def _slow(self, by: float) -> None:
        self.store.delay = by


def one_policy(bench: Bench, policy: str) -> dict[str, object]:
    with bench.consumer(policy) as (_, observer):
        plan = bench.load(f"live-{policy}", RATE * SECONDS)
    due = np.arange(plan.events) / plan.rate
    done = np.array([(bench.store.done[plan.id(number)] - plan.start_ns) / 1e9 for number in range(plan.events)])
    scenario = Scenario("live", "", SECONDS, due, done, calm_at=SLOW_UNTIL)
    run = Run(scenario, done, np.array(observer.limits), np.zeros(plan.events, dtype=np.int64))
    late = latencies(run)
    usual = late[due < SLOW_FROM]
    found = recovery(run)
    return {
        "policy": policy,
        "miss": round(float(np.mean(late > 0.1) * 100), 2),
        "p99_ms": round(float(np.percentile(late, 99)) * 1e3, 1),
        "p99_before_ms": round(float(np.percentile(usual, 99)) * 1e3, 1),
        "recovery_s": found if found != float("inf") else "never",
        "limits": [min(observer.limits), max(observer.limits), observer.limits[-1]],
    }


def record(bench: Bench, command: str) -> None:
    """Python's own manual, one page a document, as if someone saved page after page."""
    pages = pydoc_data.topics.topics
    choose = random.Random(1)
    with bench.consumer("seed") as (source, _):
        with Publisher(bench.kafka) as publisher:
            for name, text in pages.items():
                publisher.publish(f"page/{name}", text, version=1, source="bench", committed_ns=time.time_ns())
                time.sleep(choose.expovariate(3))
        bench.wait([f"page/{name}" for name in pages])
        rows = np.array(sorted((embedded, due) for due, embedded in source.arrivals)) // 1_000_000
    due = rows[:, 1] - rows[:, 1].min()
    kept = {
        "story": f"a real run: {len(pages)} pages of Python's manual, {len(rows)} chunks",
        "command": command,
        "machine": describe(),
        "due_ms_steps": np.diff(due, prepend=0).tolist(),
        "embedded_ms_after": (rows[:, 0] - rows[:, 1]).tolist(),
    }
    RECORDING.write_text(json.dumps(kept) + "\n")
    print(f"recorded {len(rows)} arrivals", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policies", nargs="*", choices=list(POLICIES))
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    command = "python -m tests.bench.policies.live " + " ".join(sys.argv[1:])
    machine = describe()
    with tempfile.TemporaryDirectory(prefix="freshet-live-") as folder:
        stack = LocalStack(StackSettings(state=Path(folder), search_port=free_port()))
        try:
            stack.prepare(lambda step, share: None)
            stack.start(lambda step, share: None)
            stack.serve.stop()
            # A build of the index would come in the middle of one policy's minute and not of another's.
            store = open_store(StoreSettings(path=stack.state / "store", index_in_background=False))
            model = load_embedder(model_settings())
            store.open(CollectionInfo(model.model, model.revision, model.dimension))
            bench = Bench(stack, model, SlowStore(store), KafkaSettings(bootstrap=stack.broker.bootstrap))
            with bench.consumer("seed"):
                bench.load("warm-up", WARM_UP_EVENTS)
            if options.record:
                record(bench, command)
            rows = []
            for policy in options.policies:
                rows.append(one_policy(bench, policy))
                print(rows[-1], flush=True)
            store.close()
            if rows:
                FILE.write_text(json.dumps({"command": command, "machine": machine, "rows": rows}, indent=2) + "\n")
        finally:
            stack.abort()


if __name__ == "__main__":
    main()
