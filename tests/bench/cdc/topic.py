"""Commit to topic: what each of Debezium's settings buys, and what it costs in processor time."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import msgspec
import numpy as np
from confluent_kafka import Consumer

from producers.cdc.captures import Captures
from producers.cdc.registration import Registration
from tests.bench.cdc.machinery import SCHEMA, Machinery, cpu_seconds, resident_mb
from tests.bench.cdc.writer import write

DEFAULTS = {
    "poll__interval__ms": "500",
    "max__batch__size": "2048",
    "max__queue__size": "8192",
    "producer__override__linger__ms": "5",
}
"""Debezium's own, and Kafka's since 4.0."""
VARIANTS: dict[str, dict[str, str]] = {
    "Debezium's defaults": DEFAULTS,
    "poll 10 ms": {**DEFAULTS, "poll__interval__ms": "10"},
    "poll 10 ms, linger 0": {**DEFAULTS, "poll__interval__ms": "10", "producer__override__linger__ms": "0"},
    "poll 500 ms, linger 0, batch 1": {"poll__interval__ms": "500"},
    "poll 20 ms, linger 0, batch 1": {"poll__interval__ms": "20"},
    "**poll 10 ms, linger 0, batch 1**": {},
    "poll 5 ms, linger 0, batch 1": {"poll__interval__ms": "5"},
    "poll 2 ms, linger 0, batch 1": {"poll__interval__ms": "2"},
}


def measure(machinery: Machinery, rate: float, seconds: float) -> list[dict[str, Any]]:
    """One row per variant."""
    with machinery.database() as database:
        database.run(SCHEMA)
    return [
        _variant(machinery, number, label, options, rate, seconds)
        for number, (label, options) in enumerate(VARIANTS.items())
    ]


def _variant(
    machinery: Machinery, number: int, label: str, options: dict[str, str], rate: float, seconds: float
) -> dict[str, Any]:
    capture = machinery.capture(f"v{number}", **options)
    registration = Registration(Captures(machinery.folder / f"captures-{number}"), machinery.connect.url)
    registration.add(capture)
    first = number * 1_000_000
    reader = _Reader(machinery.bootstrap, capture.topic("public.bench"))
    texts = (f"note {count} of the bench" for count in itertools.count())
    with machinery.database() as database:
        write(database, texts, first, rate, int(rate * 5))
        cpu, began = cpu_seconds(machinery.connect), time.monotonic()
        commits = write(database, texts, first + 100_000, rate, int(rate * seconds))
        used = (cpu_seconds(machinery.connect) - cpu) / (time.monotonic() - began)
        idle, began = cpu_seconds(machinery.connect), time.monotonic()
        # Nothing changes meanwhile: what polling itself costs.
        threading.Event().wait(5)
        at_rest = (cpu_seconds(machinery.connect) - idle) / (time.monotonic() - began)
        arrived = reader.wait({commit.id for commit in commits}, 30)
        reader.close()
    late = np.array([(arrived[commit.id] - commit.acknowledged_ns) / 1e6 for commit in commits])
    memory = resident_mb(machinery.connect)
    registration.remove(capture.name)
    p50, p95, p99 = np.percentile(late, (50, 95, 99))
    print(f"{label}: {p50:.1f} {p95:.1f} {p99:.1f} ms, {used:.1%}, at rest {at_rest:.1%}, {memory} MB", flush=True)
    return {
        "setting": label, "events": len(late), "p50": p50, "p95": p95, "p99": p99,
        "cpu": used, "cpu_at_rest": at_rest, "memory": memory,
    }  # fmt: skip


class _Reader:
    """Notes when each row's record was there."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"bench-{topic}",
                "auto.offset.reset": "earliest",
                "topic.metadata.refresh.interval.ms": 500,
            }
        )
        self._consumer.subscribe([topic])
        self._seen: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, wanted: set[int], seconds: float) -> dict[int, int]:
        deadline = time.monotonic() + seconds
        while not wanted <= self._seen.keys():
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(wanted - self._seen.keys())} rows never came")
            time.sleep(0.05)
        return self._seen

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error():
                continue
            now = time.time_ns()
            self._seen[msgspec.json.decode(message.key())["payload"]["id"]] = now
