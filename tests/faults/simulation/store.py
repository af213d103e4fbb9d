"""A VectorStore in memory that can lose power: exactly the protocol's meaning, and an undo log behind it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from freshet.errors import RevisionMismatch, UnavailableError, UsageError
from freshet.ids import head_id
from freshet.store import ChunkPoint, CollectionInfo, Filter, Head, Hit, StoreStats
from freshet.store.protocol import Vector, state_token
from freshet.store.tags import tags, wanted
from freshet.store.visibility import Candidate, visible_hits
from tests.faults.simulation.clock import SECOND, SimulatedClock

Place = tuple[str, int, int, int]
"""Document, version, part, chunk."""


class _Undo(NamedTuple):
    at: int
    place: Place | None
    document_id: str
    before: ChunkPoint | Head | None


class SimulatedStore:
    """One collection. Single operations are atomic; a power loss takes the latest ones, oldest kept first.

    With a ``durability_lag_s`` of 0 it is like the embedded store: what was flushed is durable. With more it is like a
    server: everything is durable that much later, flushed or not.
    """

    def __init__(self, clock: SimulatedClock | None = None, durability_lag_s: float = 0.0) -> None:
        self.durability_lag_s = durability_lag_s
        self._clock = clock or SimulatedClock()
        self._lock = threading.RLock()
        self._info: CollectionInfo | None = None
        self._open = False
        self._heads: dict[str, Head] = {}
        self._chunks: dict[str, dict[Place, ChunkPoint]] = {}
        self._undo: deque[_Undo] = deque()
        self.on_head: Callable[[Head | None, Head], None] = lambda before, after: None
        """Told of each head that is replaced."""

    def open(self, expected: CollectionInfo) -> None:
        if self._info is not None and self._info != expected:
            raise RevisionMismatch(
                f"the collection holds vectors of {self._info.model} {self._info.revision}",
                f"this process embeds with {expected.model} {expected.revision}",
                "use the former model",
            )
        self._info, self._open = expected, True

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        with self._lock:
            self._check()
            return {name: self._heads[name] for name in document_ids if name in self._heads}

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        with self._lock:
            info = self._check()
            for chunk in chunks:
                if chunk.vector.shape != (info.dimension,):
                    raise UsageError(f"a vector of shape {chunk.vector.shape}", f"expected ({info.dimension},)")
            for chunk in chunks:
                self._put(chunk)
            for head in heads:
                self._flip(head)
            for document_id, below in sweep.items():
                for place in [one for one in self._chunks.get(document_id, ()) if one[1] < below]:
                    self._remember(place, document_id, self._chunks[document_id].pop(place))

    def flush(self) -> None:
        with self._lock:
            self._check()
            if not self.durability_lag_s:
                self._undo.clear()

    def search(self, vector: Vector, k: int, where: Filter | None = None) -> list[Hit]:
        conditions = list(wanted(where or Filter()))
        if k < 1 or not all(conditions):
            return []
        with self._lock:
            self._check()
            chunks = [
                chunk
                for group in self._chunks.values()
                for chunk in group.values()
                if not conditions or _matches(chunk, conditions)
            ]
            if not chunks:
                return []
            scores = np.stack([chunk.vector for chunk in chunks]) @ vector
            found = [
                Candidate(chunk.document_id, chunk.version, chunk.part, chunk.chunk, chunk.text, float(score))
                for chunk, score in zip(chunks, scores, strict=True)
            ]
            found.sort(key=lambda candidate: -candidate.score)
            return visible_hits(lambda limit: found[:limit], lambda names: self.heads(list(names)), k, still=True)

    def document(self, document_id: str) -> tuple[Head, list[ChunkPoint]] | None:
        with self._lock:
            self._check()
            head = self._heads.get(document_id)
            if head is None:
                return None
            chunks = [] if head.deleted else self._visible(head)
            return head, sorted(chunks, key=lambda chunk: (chunk.part, chunk.chunk))

    def scan(self, after: str | None, limit: int) -> list[Head]:
        with self._lock:
            self._check()
            ordered = sorted((head_id(name), name) for name in self._heads)
            start = head_id(after) if after is not None else ""
            return [self._heads[name] for key, name in ordered if key > start][:limit]

    def stats(self) -> StoreStats:
        with self._lock:
            self._check()
            live = sum(not head.deleted and head.version >= 0 for head in self._heads.values())
            tombstones = sum(head.deleted for head in self._heads.values())
            return StoreStats(live, tombstones, sum(map(len, self._chunks.values())), 0)

    def close(self) -> None:
        with self._lock:
            if self._open:
                self.flush()
            self._open = False

    def lose_power(self, keep: float) -> int:
        """Undo what was not durable, but ``keep`` (0 to 1) of it. Returns how many operations were lost."""
        with self._lock:
            self._settle()
            lost = len(self._undo) - int(keep * len(self._undo))
            for _ in range(lost):
                undo = self._undo.pop()
                if undo.place is not None:
                    self._restore_chunk(undo.place, undo.before)
                elif isinstance(undo.before, Head):
                    self._heads[undo.document_id] = undo.before
                else:
                    self._heads.pop(undo.document_id, None)
            self._undo.clear()
            return lost

    def durable_heads(self) -> dict[str, Head]:
        """The heads that a power loss would leave at worst."""
        with self._lock:
            self._settle()
            heads = dict(self._heads)
            for undo in reversed(self._undo):
                if undo.place is None:
                    if isinstance(undo.before, Head):
                        heads[undo.document_id] = undo.before
                    else:
                        heads.pop(undo.document_id, None)
            return heads

    def forget(self, document_id: str) -> None:
        """Remove a head, which no correct consumer does."""
        with self._lock:
            before = self._heads.pop(document_id, None)
            if before is not None:
                self._remember(None, document_id, before)

    def dump(self) -> tuple[dict[str, Head], frozenset[Place]]:
        """Everything, swept or not."""
        with self._lock:
            return dict(self._heads), frozenset(place for group in self._chunks.values() for place in group)

    def _put(self, chunk: ChunkPoint) -> None:
        place = (chunk.document_id, chunk.version, chunk.part, chunk.chunk)
        group = self._chunks.setdefault(chunk.document_id, {})
        self._remember(place, chunk.document_id, group.get(place))
        group[place] = chunk

    def _flip(self, head: Head) -> None:
        before = self._heads.get(head.document_id)
        if before is not None and before.version > head.version:
            return
        if head.replaces is not None and head.replaces != state_token(before):
            return
        self._remember(None, head.document_id, before)
        self._heads[head.document_id] = head
        self.on_head(before, head)

    def _visible(self, head: Head) -> list[ChunkPoint]:
        return [chunk for chunk in self._chunks.get(head.document_id, {}).values() if chunk.version == head.version]

    def _remember(self, place: Place | None, document_id: str, before: ChunkPoint | Head | None) -> None:
        self._undo.append(_Undo(self._clock.now, place, document_id, before))

    def _restore_chunk(self, place: Place, before: ChunkPoint | Head | None) -> None:
        if isinstance(before, ChunkPoint):
            self._chunks.setdefault(place[0], {})[place] = before
        else:
            del self._chunks[place[0]][place]

    def _settle(self) -> None:
        """A server makes all durable as it ages."""
        if self.durability_lag_s:
            while self._undo and self._clock.now - self._undo[0].at >= self.durability_lag_s * SECOND:
                self._undo.popleft()

    def _check(self) -> CollectionInfo:
        if not self._open or self._info is None:
            raise UnavailableError("the store is not open", "simulated", "call open first")
        return self._info


def _matches(chunk: ChunkPoint, conditions: Sequence[Sequence[str]]) -> bool:
    held = set(tags(chunk.metadata, chunk.tenant, chunk.source))
    return all(held.intersection(options) for options in conditions)
