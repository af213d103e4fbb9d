"""The store and the dead letters as one process reaches them: over a line where every call can fail at every place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from freshet.dead_letters import DeadLetter
from freshet.errors import RejectedRecord, UnavailableError
from freshet.store import ChunkPoint, CollectionInfo, Filter, Head, Hit, StoreStats
from freshet.store.protocol import Vector
from tests.faults.simulation.process import Process
from tests.faults.simulation.store import SimulatedStore

REFUSED = "refuse me"
"""A text with this in it is one that the store calls wrong, every time."""


class Outage:
    """What holds for the store as a whole: until when it is down, or its disk full."""

    def __init__(self) -> None:
        self.down_until = 0
        self.full_until = 0
        self.restarts = 0


class StoreAccess:
    """Implements VectorStore. A write is several operations, and may end after any of them."""

    def __init__(self, store: SimulatedStore, process: Process, outage: Outage) -> None:
        self._store, self._process, self._outage = store, process, outage

    @property
    def durability_lag_s(self) -> float:
        return self._store.durability_lag_s

    def open(self, expected: CollectionInfo) -> None:
        self._store.open(expected)

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        self._begin("heads")
        found = self._store.heads(document_ids)
        self._end("heads")
        return found

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        restarts = self._begin("write")
        if any(REFUSED in chunk.text for chunk in chunks):
            raise RejectedRecord("store-refused", "simulated")
        if self._process.clock.now < self._outage.full_until:
            raise UnavailableError("the disk is full", "simulated")
        half = len(chunks) // 2 if len(chunks) > 1 else 0
        if half:
            self._store.write(chunks[:half], [], {})
            self._between("chunks", restarts)
        if chunks:
            self._store.write(chunks[half:], [], {})
            self._between("chunks and heads", restarts)
        if heads:
            self._store.write([], heads, {})
            self._between("heads and sweep", restarts)
        if sweep:
            self._store.write([], [], sweep)
        self._process.trace(
            f"wrote {[(one.document_id, one.version, one.part, one.chunk) for one in chunks]} "
            f"heads {[_told(head) for head in heads]} sweep {dict(sorted(sweep.items()))}"
        )
        self._end("write")

    def flush(self) -> None:
        self._begin("flush")
        self._store.flush()
        self._end("flush")

    def search(self, vector: Vector, k: int, where: Filter | None = None) -> list[Hit]:
        return self._store.search(vector, k, where)

    def document(self, document_id: str) -> tuple[Head, list[ChunkPoint]] | None:
        return self._store.document(document_id)

    def scan(self, after: str | None, limit: int) -> list[Head]:
        return self._store.scan(after, limit)

    def stats(self) -> StoreStats:
        return self._store.stats()

    def close(self) -> None: ...

    def _begin(self, call: str) -> int:
        self._process.point(call)
        if self._process.clock.now < self._outage.down_until:
            raise UnavailableError("the store is down", "simulated")
        self._fail(self._process.rates.refused, f"{call} failed")
        return self._outage.restarts

    def _between(self, place: str, restarts: int) -> None:
        if self._process.rates.torn and self._process.chance.happens(0.3):
            self._process.point(f"write between {place}")
        # A request ends with the server that began it.
        ended = restarts != self._outage.restarts
        self._fail(1.0 if ended else self._process.rates.torn, f"write ended between {place}")

    def _end(self, call: str) -> None:
        if self._process.rates.stalled and self._process.chance.happens(0.3):
            self._process.point(f"answer of {call}")
        self._fail(self._process.rates.answer_lost, f"answer of {call} lost")

    def _fail(self, probability: float, what: str) -> None:
        if self._process.chance.happens(probability):
            self._process.trace(what)
            raise UnavailableError(what, "simulated")


class LetterAccess:
    """Implements DeadLetterSink: appends to ``letters``, and fails before or after that."""

    def __init__(self, letters: list[DeadLetter], process: Process) -> None:
        self._letters, self._process = letters, process

    def send(self, letters: Sequence[DeadLetter]) -> None:
        self._process.point("dead letters")
        if self._process.chance.happens(self._process.rates.letter_failed):
            raise UnavailableError("cannot write dead letters", "simulated")
        self._letters.extend(letters)
        self._process.trace(f"dead letters {[(one.partition, one.offset, one.reason) for one in letters]}")
        if self._process.chance.happens(self._process.rates.letter_failed):
            raise UnavailableError("cannot write dead letters", "answer lost, simulated")
        self._process.point("answer of dead letters")


def _told(head: Head) -> str:
    state = "deleted" if head.deleted else f"{head.chunks} chunks"
    return f"{head.document_id} v{head.version} {state}" + (f" pending {head.pending}" if head.pending else "")
