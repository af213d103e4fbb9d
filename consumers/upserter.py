"""The loop: fetch, guard, batch, write, commit. All of its time and I/O comes in through protocols."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from consumers.batch import Arrival, Write, plan
from consumers.limit import BatchLimit
from consumers.observer import Observer
from consumers.policies import Policy
from consumers.settings import ConsumerSettings
from consumers.source import Message, Source
from freshet.clock import Clock
from freshet.codec import decode_embedding
from freshet.dead_letters import DeadLetter
from freshet.errors import RejectedRecord, UnavailableError
from freshet.headers import EMBEDDED, stamp
from freshet.store import CollectionInfo, Head, VectorStore

STAGE = "consumer"
FIRST_RETRY_SECONDS = 0.05

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Written:
    outcomes: Counter[str]
    finished: list[Head]
    rejected: list[DeadLetter]


class DeadLetterSink(Protocol):
    """Where records go that no retry can mend."""

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when the broker has acknowledged all. Raises UnavailableError."""


class Upserter:
    """Single-threaded: ``step`` again and again, then ``drain``. Offsets are committed only behind a store flush."""

    def __init__(
        self,
        source: Source,
        store: VectorStore,
        dead_letters: DeadLetterSink,
        collection: CollectionInfo,
        settings: ConsumerSettings,
        policy: Policy,
        observer: Observer,
        clock: Clock,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._source = source
        self._store = store
        self._dead_letters = dead_letters
        self._collection = collection
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._stopping = stopping
        self._written: dict[int, int] = {}
        self._flushed: deque[tuple[int, dict[int, int]]] = deque()
        self._committed_at = clock()
        self._limit = BatchLimit(policy, settings, self._committed_at)

    def step(self, wait_seconds: float = 0.2) -> int:
        """One batch, or a wait for one. Returns how many records it finished. Blocks while the store is down."""
        messages = self._source.fetch(self._limit.value, wait_seconds)
        if messages:
            started = self._clock()
            self._retry(lambda: self._process(messages, started), messages)
        self._adapt()
        if self._clock() - self._committed_at >= self._settings.commit_seconds * 1e9:
            self._retry(self.commit, ())
        return len(messages)

    def commit(self) -> None:
        """Make everything written durable, then commit the offsets that are. Raises UnavailableError."""
        now = self._committed_at = self._clock()
        if self._written:
            with self._observer.store_call("flush"):
                self._store.flush()
            self._flushed.append((now, self._written))
            self._written = {}
        durable: dict[int, int] = {}
        while self._flushed and now - self._flushed[0][0] >= self._store.durability_lag_s * 1e9:
            durable.update(self._flushed.popleft()[1])
        self._source.commit(durable)
        self._observer.lag(self._source.lag())

    def release(self, partitions: frozenset[int]) -> None:
        """Before partitions go to another member: commit what was written of them, or let the other write it again."""
        try:
            self.commit()
        except UnavailableError as error:
            log.warning("partitions %s go uncommitted, their new owner repeats them: %s", sorted(partitions), error)
        for _, positions in (*self._flushed, (0, self._written)):
            for partition in partitions:
                positions.pop(partition, None)

    def _process(self, messages: Sequence[Message], started: int) -> None:
        arrivals, letters = self._decode(messages)
        write = self._write(arrivals)
        letters += write.rejected
        if letters:
            self._dead_letters.send(letters)
        for message in messages:
            self._written[message.partition] = message.offset + 1
        now = self._clock()
        self._limit.record(len(messages), (now - started) / 1e9, _waited(messages, started), now)
        outcomes = write.outcomes + Counter({"dead": len(letters)})
        self._observer.batch(len(messages), (now - started) / 1e9, outcomes, write.finished, letters, now)

    def _decode(self, messages: Sequence[Message]) -> tuple[list[tuple[Message, Arrival]], list[DeadLetter]]:
        arrivals: list[tuple[Message, Arrival]] = []
        letters: list[DeadLetter] = []
        for message in messages:
            try:
                record = decode_embedding(message.value)
                if record.op == "upsert":
                    check_vector(record.revision, record.vector if record.chunks else None, self._collection)
                arrivals.append((message, Arrival(record, message.headers)))
            except RejectedRecord as rejection:
                letters.append(self._letter(message, rejection))
        return arrivals, letters

    def _write(self, arrivals: Sequence[tuple[Message, Arrival]]) -> _Written:
        """Write all at once; if the store refuses some record, one document at a time to find which."""
        try:
            write = self._apply([arrival for _, arrival in arrivals])
        except RejectedRecord as rejection:
            by_document: dict[str, list[tuple[Message, Arrival]]] = {}
            for message, arrival in arrivals:
                by_document.setdefault(arrival.record.id, []).append((message, arrival))
            if len(by_document) == 1:
                return _Written(Counter(), [], [self._letter(message, rejection) for message, _ in arrivals])
            parts = [self._write(group) for group in by_document.values()]
            return _Written(
                sum((part.outcomes for part in parts), Counter()),
                [head for part in parts for head in part.finished],
                [letter for part in parts for letter in part.rejected],
            )
        return _Written(write.outcomes, write.finished, [])

    def _apply(self, arrivals: Sequence[Arrival]) -> Write:
        with self._observer.store_call("heads"):
            heads = self._store.heads(list({arrival.record.id for arrival in arrivals}))
        write = plan(arrivals, heads, self._clock())
        if not write.empty:
            with self._observer.store_call("write"):
                self._store.write(write.chunks, write.heads, write.sweep)
        return write

    def _letter(self, message: Message, rejection: RejectedRecord) -> DeadLetter:
        return DeadLetter(
            key=message.key,
            value=message.value,
            stage=STAGE,
            reason=rejection.reason,
            detail=rejection.detail,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            model=self._collection.revision,
            headers=tuple(message.headers.items()),
        )

    def _retry(self, action: Callable[[], None], messages: Sequence[Message]) -> None:
        """Until it works, the partitions are lost to another member, or the process is asked to stop."""
        pause = FIRST_RETRY_SECONDS
        while True:
            try:
                return action()
            except UnavailableError as error:
                self._observer.store_error(error)
                if self._stopping() or not {message.partition for message in messages} <= self._source.owned():
                    log.warning("giving up a batch uncommitted, it will be read again: %s", error)
                    return self._source.rewind(_first_offsets(messages))
                log.warning("trying again in %.2f s: %s", pause, error)
                self._source.idle(pause)
                pause = min(pause * 2, self._settings.retry_seconds)

    def _adapt(self) -> None:
        decision = self._limit.adapt(self._clock(), self._source.lag)
        if decision is not None:
            self._observer.limit(decision.before, decision.after, decision.p99)


def _waited(messages: Sequence[Message], now_ns: int) -> float | None:
    """Seconds since the oldest of these was embedded, or None where none says when it was."""
    embedded = [at for message in messages if (at := stamp(message.headers, EMBEDDED)) is not None]
    return max(0, now_ns - min(embedded)) / 1e9 if embedded else None


def _first_offsets(messages: Sequence[Message]) -> dict[int, int]:
    first: dict[int, int] = {}
    for message in messages:
        first.setdefault(message.partition, message.offset)
    return first


def check_vector(revision: str, vector: bytes | None, collection: CollectionInfo) -> None:
    """Raises RejectedRecord unless the vector is of the collection's model: right revision, length, and finite."""
    if revision != collection.revision:
        raise RejectedRecord(
            "wrong-revision",
            f"embedded by {revision or 'an unknown model'}, the collection holds {collection.revision}",
        )
    if vector is None:
        return
    if len(vector) != 4 * collection.dimension:
        raise RejectedRecord("bad-vector", f"{len(vector)} bytes, expected {4 * collection.dimension}")
    if not np.isfinite(np.frombuffer(vector, dtype="<f4")).all():
        raise RejectedRecord("bad-vector", "it holds NaN or infinity")
