"""The loop: fetch, guard, batch, write, commit. All of its time and I/O comes in through protocols."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from consumers import progress
from consumers.batch import Arrival, Write, plan
from consumers.limit import BatchLimit
from consumers.observer import Observer
from consumers.policies import Policy
from consumers.settings import ConsumerSettings
from consumers.source import Message, Source
from consumers.uncommitted import Uncommitted, Written
from freshet.clock import Clock
from freshet.codec import decode_embedding
from freshet.dead_letters import DeadLetter
from freshet.errors import RejectedRecord, UnavailableError
from freshet.headers import EMBEDDED, stamp
from freshet.store import CollectionInfo, Head, VectorStore

STAGE = "consumer"
FIRST_RETRY_SECONDS = 0.05

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Result:
    """What became of some records: written, or rejected."""

    outcomes: Counter[str] = field(default_factory=Counter)
    finished: list[Head] = field(default_factory=list)
    reached: dict[str, Head] = field(default_factory=dict)
    sweep: dict[str, int] = field(default_factory=dict)
    rejected: list[DeadLetter] = field(default_factory=list)

    def add(self, other: _Result) -> None:
        self.outcomes += other.outcomes
        self.finished += other.finished
        self.reached |= other.reached
        self.sweep |= other.sweep
        self.rejected += other.rejected


class DeadLetterSink(Protocol):
    """Where records go that no retry can mend."""

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when the broker has acknowledged all. Raises UnavailableError; some may then be there all the same.

        A record whose letter was sent and whose offset was not committed is read, and its letter sent, again.
        """


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
        ticks: Clock | None = None,
    ) -> None:
        """``ticks`` measures how long ago something was, and never jumps as ``clock``, the time of day, may."""
        self._source = source
        self._store = store
        self._dead_letters = dead_letters
        self._collection = collection
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._stopping = stopping
        self._uncommitted = Uncommitted()
        self._doubtful = False
        self._gone: frozenset[int] = frozenset()
        self._ticks = ticks or clock
        self._committed_at = self._ticks()
        self._next_at = self._committed_at
        self._limit = BatchLimit(policy, settings, clock())

    def step(self, wait_seconds: float = 0.2) -> int:
        """One batch, or a wait for one. Returns how many records it finished. Blocks while the store is down."""
        self._linger()
        messages = self._source.fetch(self._limit.value, wait_seconds)
        self._gone = frozenset()
        if self._doubtful:
            self._doubtful = False
            self._source.rewind(self._uncommitted.restart(messages))
            return 0
        if messages:
            if len(messages) < self._limit.value:
                self._next_at = self._ticks() + int(self._settings.linger_seconds * 1e9)
            started = self._clock()
            with self._observer.holding(_oldest(messages)):
                self._retry(lambda: self._process(messages, started), messages)
        self._adapt()
        if self._ticks() - self._committed_at >= self._settings.commit_seconds * 1e9:
            self._retry(self.commit, ())
        return len(messages)

    def _linger(self) -> None:
        """Let records gather: of two small batches in a row, most of the second's cost is that of any batch."""
        if (left := self._next_at - self._ticks()) > 0:
            self._source.idle(left / 1e9)

    def commit(self) -> None:
        """Make everything written durable, then commit the offsets that are. Raises UnavailableError.

        On a store that others write as well, or that can restart behind our back, a write that was acknowledged can be
        refused or lost all the same. There the heads are read again first; where one is not what it should be,
        nothing is committed and the next ``step`` goes back to what was committed last.
        """
        now = self._committed_at = self._ticks()
        if self._doubtful:
            return
        if self._uncommitted:
            with self._observer.store_call("flush"):
                self._store.flush()
            self._uncommitted.flushed(now)
        due = self._uncommitted.due(now - int(self._store.durability_lag_s * 1e9))
        if due and self._shared and not self._confirm(due):
            self._doubtful = True
            return
        durable: dict[int, int] = {}
        for written in due:
            durable.update(written.positions)
        self._source.commit(durable)
        self._uncommitted.done(len(due))
        self._observer.lag(self._source.lag())

    def _confirm(self, due: Sequence[Written]) -> bool:
        """Whether the store still has all of it; if so, sweep what it replaced."""
        reached = {name: head for written in due for name, head in written.reached.items()}
        with self._observer.store_call("heads"):
            heads = self._store.heads(sorted(reached))
        for name, head in reached.items():
            if not progress.reached(heads.get(name), head):
                log.warning("version %d of %s is not as it was written: reading again", head.version, name)
                return False
        sweep = {
            name: below
            for written in due
            for name, below in written.sweep.items()
            # Certain only now: a head that was refused would have left the chunks below in use.
            if heads[name].live_from >= below
        }
        if sweep:
            with self._observer.store_call("write"):
                self._store.write([], [], sweep)
        return True

    def release(self, partitions: frozenset[int]) -> None:
        """When partitions go to another member: commit what was written of them, or let the other write it again."""
        try:
            self.commit()
        except UnavailableError as error:
            log.warning("partitions %s go uncommitted, their new owner repeats them: %s", sorted(partitions), error)
        self._uncommitted.release(partitions)
        self._gone |= partitions

    @property
    def _shared(self) -> bool:
        return self._store.durability_lag_s > 0

    def _process(self, messages: Sequence[Message], started: int) -> None:
        arrivals, letters = self._decode(messages)
        result = self._write(arrivals)
        letters += result.rejected
        if letters:
            self._dead_letters.send(letters)
        shared = self._shared
        # What went to another member meanwhile, and perhaps came back, is read again from where that one committed.
        kept = [message for message in messages if message.partition not in self._gone]
        if not self._uncommitted.add(kept, result.reached if shared else {}, result.sweep if shared else {}):
            log.warning("the store lost writes that it had acknowledged: reading again")
            self._doubtful = True
        now = self._clock()
        oldest = _oldest(messages)
        waited = None if oldest is None else max(0, started - oldest) / 1e9
        self._limit.record(len(messages), (now - started) / 1e9, waited, now)
        outcomes = result.outcomes + Counter({"dead": len(letters)})
        self._observer.batch(len(messages), (now - started) / 1e9, outcomes, result.finished, letters, now)

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

    def _write(self, arrivals: Sequence[tuple[Message, Arrival]]) -> _Result:
        """Write all at once; if the store refuses, one document at a time, and then one record, to find which."""
        try:
            write = self._apply([arrival for _, arrival in arrivals])
        except RejectedRecord as rejection:
            result = _Result()
            if len(arrivals) == 1:
                result.rejected.append(self._letter(arrivals[0][0], rejection))
                return result
            for group in _split(arrivals):
                result.add(self._write(group))
            return result
        return _Result(write.outcomes, write.finished, write.reached, write.sweep)

    def _apply(self, arrivals: Sequence[Arrival]) -> Write:
        with self._observer.store_call("heads"):
            heads = self._store.heads(list({arrival.record.id for arrival in arrivals}))
        write = plan(arrivals, heads, self._clock())
        if not write.empty:
            with self._observer.store_call("write"):
                self._store.write(write.chunks, write.heads, {} if self._shared else write.sweep)
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


def _oldest(messages: Sequence[Message]) -> int | None:
    """When the first of these was embedded (ns), or None where none says when it was."""
    return min((at for message in messages if (at := stamp(message.headers, EMBEDDED)) is not None), default=None)


def _split(arrivals: Sequence[tuple[Message, Arrival]]) -> list[list[tuple[Message, Arrival]]]:
    """By document, or by record where there is only one document."""
    by_document: dict[str, list[tuple[Message, Arrival]]] = {}
    for message, arrival in arrivals:
        by_document.setdefault(arrival.record.id, []).append((message, arrival))
    return list(by_document.values()) if len(by_document) > 1 else [[one] for one in arrivals]


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
