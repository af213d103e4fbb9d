"""The figures of each second: rates and lags on the arrows, freshness, and P99 against batch size."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from prometheus_client import Counter

from freshet import metrics
from freshet.changes import WrittenBatch
from freshet.errors import UnavailableError
from freshet.flink_rest import pending_records
from freshet.flow import Flow, FlowReader
from freshet.headers import SOURCE_COMMIT
from freshet.service import Resources
from freshet.store import Head
from freshet.topics import CONSUMER_GROUP, DEAD_LETTERS, DOCUMENTS, EMBEDDINGS, JOB_GROUP

BATCH_WINDOW_NS: Final = 10_000_000_000
FRESHNESS_WINDOW_NS: Final = 60_000_000_000
MOST: Final = 4_096
COUNT_SECONDS: Final = 5.0
"""Counting walks the store: not each second."""


_RATES: Final = ("documents", "embeddings", "written", "dead_letters", "searches")


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds over a window; null while nothing happened in it."""

    p50: float | None
    p99: float | None
    events: int


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """Of the last ten seconds; all null where the consumer is in another process that nobody named."""

    p99_ms: float | None
    size: float | None
    limit: int | None
    policy: str | None


NO_BATCHES: Final = BatchFigures(None, None, None, None)


@dataclass(frozen=True, slots=True)
class Figures:
    """``rates`` are per second and null at first; ``behind`` counts records; ``at`` is in ms since the epoch."""

    at: float
    rates: Mapping[str, float | None]
    behind: Mapping[str, int | None]
    freshness_ms: Percentiles
    batch: BatchFigures
    store: Mapping[str, int]
    dead_letters_end: int | None
    """Changes with each dead letter and each redrive: a reason to read the list again."""
    troubles: list[str]


class Batches(Protocol):
    """Consumers in other processes."""

    def read(self, now_ns: int) -> BatchFigures:
        """Blocks. Raises UnavailableError."""


class FigureReader:
    """``note`` is called by the writer's thread, ``read`` by one other."""

    def __init__(
        self, resources: Resources, flow: FlowReader, flink_url: str | None, elsewhere: Batches | None = None
    ) -> None:
        """``elsewhere`` is asked for batches where no writer is in this process."""
        self._resources = resources
        self._flow = flow
        self._flink_url = flink_url
        self._elsewhere = elsewhere
        self._batches: deque[tuple[int, float, int]] = deque(maxlen=MOST)
        self._fresh: deque[tuple[int, float]] = deque(maxlen=MOST)
        self._before: tuple[float, dict[str, float]] | None = None
        self._counted_at = 0.0
        self._store: Mapping[str, int] = {}
        self._requests = metrics.SEARCH_REQUESTS.counter()
        self._written = 0

    def note(self, batch: WrittenBatch) -> None:
        """Returns at once."""
        seconds = (batch.searchable_ns - batch.started_ns) / 1e9
        self._batches.append((batch.searchable_ns, seconds, batch.records))
        self._written += batch.records
        self.note_changes(batch.finished, batch.searchable_ns)

    def note_changes(self, heads: Sequence[Head], searchable_ns: int) -> None:
        """These documents became searchable, wherever they were written."""
        for head in heads:
            if (changed := head.stamps.get(SOURCE_COMMIT)) is not None:
                self._fresh.append((searchable_ns, max(0, searchable_ns - changed) / 1e6))

    def read(self) -> Figures:
        """Blocks for the broker and, now and then, for the store. What cannot be had is null, and a trouble."""
        troubles: list[str] = []
        flow: Flow | None = None
        try:
            flow = self._flow.read()
        except UnavailableError as error:
            troubles.append(str(error))
        try:
            self._count()
        except UnavailableError as error:
            troubles.append(str(error))
        consumer = self._consumer()
        if consumer.get("error"):
            troubles.append(f"The consumer cannot write: {consumer['error']}")
        return Figures(
            at=round(time.time() * 1e3, 3),
            rates=self._rates(flow),
            behind={"job": self._job_behind(flow), "consumer": _consumer_behind(consumer, flow)},
            freshness_ms=self._freshness(),
            batch=self._batch(consumer, troubles),
            store=self._store,
            dead_letters_end=flow.dead_letters if flow else None,
            troubles=troubles,
        )

    def _consumer(self) -> Mapping[str, Any]:
        found = self._resources.host_state().get("consumer")
        return found if isinstance(found, Mapping) else {}

    def _count(self) -> None:
        if time.monotonic() - self._counted_at > COUNT_SECONDS:
            stats = self._resources.store.stats()
            names = ("documents", "tombstones", "chunks", "indexed")
            self._store = {name: getattr(stats, name) for name in names}
            self._counted_at = time.monotonic()

    def _rates(self, flow: Flow | None) -> Mapping[str, float | None]:
        totals: dict[str, float] = {"searches": _total(self._requests)}
        if flow is not None:
            topics = {"documents": DOCUMENTS, "embeddings": EMBEDDINGS, "dead_letters": DEAD_LETTERS}
            totals |= {name: flow.written[topic.name] for name, topic in topics.items()}
            totals["written"] = flow.written[EMBEDDINGS.name] - flow.behind[CONSUMER_GROUP]
        if self._resources.changes.written_here:
            # Offsets are committed about once a second, which would beat with the seconds here.
            totals["written"] = self._written
        now = time.monotonic()
        before, self._before = self._before, (now, totals)
        rates: dict[str, float | None] = dict.fromkeys(_RATES)
        if before is not None:
            for name, total in totals.items():
                if name in before[1]:
                    rates[name] = round(max(0.0, total - before[1][name]) / max(now - before[0], 1e-3), 1)
        return rates

    def _job_behind(self, flow: Flow | None) -> int | None:
        if self._flink_url is not None:
            # Its own count: the offsets that it commits are up to a checkpoint old.
            with contextlib.suppress(UnavailableError):
                return pending_records(self._flink_url)
        return flow.behind[JOB_GROUP] if flow else None

    def _freshness(self) -> Percentiles:
        since = time.time_ns() - FRESHNESS_WINDOW_NS
        values = sorted(value for at, value in tuple(self._fresh) if at >= since)
        return Percentiles(_percentile(values, 0.5), _percentile(values, 0.99), len(values))

    def _batch(self, consumer: Mapping[str, Any], troubles: list[str]) -> BatchFigures:
        if not self._resources.changes.written_here:
            try:
                return self._elsewhere.read(time.time_ns()) if self._elsewhere is not None else NO_BATCHES
            except UnavailableError as error:
                troubles.append(str(error))
                return NO_BATCHES
        since = time.time_ns() - BATCH_WINDOW_NS
        recent = [(seconds, records) for at, seconds, records in tuple(self._batches) if at >= since]
        p99 = _percentile(sorted(seconds * 1e3 for seconds, _ in recent), 0.99)
        size = round(sum(records for _, records in recent) / len(recent), 2) if recent else None
        return BatchFigures(p99, size, consumer.get("batch_limit"), consumer.get("policy"))


def _consumer_behind(consumer: Mapping[str, Any], flow: Flow | None) -> int | None:
    if isinstance(lag := consumer.get("lag"), int):
        return lag
    return flow.behind[CONSUMER_GROUP] if flow else None


def _percentile(ordered: list[float], share: float) -> float | None:
    """The smallest value that at least this share does not exceed."""
    if not ordered:
        return None
    return round(ordered[max(0, -int(-share * len(ordered) // 1) - 1)], 2)


def _total(counter: Counter) -> float:
    return sum(sample.value for metric in counter.collect() for sample in metric.samples if "_total" in sample.name)
