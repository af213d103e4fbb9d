"""From records to one write: which chunks are new, which heads flip, what is swept. Pure, no Kafka, no store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from consumers import progress
from freshet import headers
from freshet.events import EmbeddingRecord
from freshet.headers import Headers
from freshet.store import ChunkPoint, Head, Progress
from freshet.store.protocol import state_token


@dataclass(frozen=True, slots=True)
class Arrival:
    """A decoded record with its headers."""

    record: EmbeddingRecord
    headers: Headers


@dataclass(frozen=True, slots=True)
class Write:
    """What one batch asks of the store. ``finished`` are the heads that became visible (or tombstones) by it."""

    chunks: list[ChunkPoint] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    sweep: dict[str, int] = field(default_factory=dict)
    finished: list[Head] = field(default_factory=list)
    reached: dict[str, Head] = field(default_factory=dict)
    """What the heads of all documents in the batch say once it is written."""
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def empty(self) -> bool:
        return not (self.chunks or self.heads or self.sweep)


def plan(arrivals: Sequence[Arrival], heads: Mapping[str, Head], now_ns: int) -> Write:
    """Decide by source version alone, in any order of arrival. Planning the same arrivals again writes nothing new.

    ``heads`` are the store's present heads of the documents that arrive; ``now_ns`` becomes the upserted stamp.
    """
    work = _Plan(heads, now_ns)
    for arrival in arrivals:
        work.outcomes[work.delete(arrival) if arrival.record.op == "delete" else work.upsert(arrival)] += 1
    return work.write()


class _Plan:
    def __init__(self, heads: Mapping[str, Head], now_ns: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._before = heads
        self._heads = dict(heads)
        self._now = now_ns
        self._changed: set[str] = set()
        self._finished: dict[str, Head] = {}
        self._chunks: list[ChunkPoint] = []
        self._sweep: dict[str, int] = {}

    def upsert(self, arrival: Arrival) -> str:
        record = arrival.record
        head = self._heads.get(record.id) or Head(record.id, version=-1)
        if record.version == head.version and not head.deleted:
            return self._repeated(head)
        if record.version <= head.version:
            return "stale"
        under_way = {one.version: one for one in head.incomplete}
        before = under_way.pop(record.version, None) or Progress(record.version)
        after = progress.add(before, record.part, record.chunk, record.chunks, record.last)
        if after is None:
            return "unchanged"
        if progress.complete(after):
            finished = _head(arrival, after.chunks, self._now)
            newer = [one for one in under_way.values() if one.version > record.version]
            # A version under way may itself have replaced an older one that was never completed.
            leftovers = head.chunks > 0 or bool(head.incomplete)
            self._finish(progress.noted(finished, newer), leftovers)
        else:
            noted = progress.noted(head, [*under_way.values(), after])
            if after not in noted.incomplete:
                return "stale"
            self._keep(noted)
        if record.chunks:
            self._chunks.append(_point(record))
        return "written"

    def delete(self, arrival: Arrival) -> str:
        record = arrival.record
        head = self._heads.get(record.id) or Head(record.id, version=-1)
        if record.version < head.version:
            return "stale"
        if record.version == head.version and head.deleted:
            return self._repeated(head)
        leftovers = head.chunks > 0 or bool(head.incomplete)
        newer = [one for one in head.incomplete if one.version > record.version]
        tombstone = progress.noted(replace(_head(arrival, 0, self._now), deleted=True), newer)
        self._finish(tombstone, leftovers)
        return "deleted"

    def _repeated(self, head: Head) -> str:
        # It comes again after a crash, which may have been between this head and the sweep of what it replaced.
        self._sweep.setdefault(head.document_id, head.live_from)
        return "unchanged"

    def _finish(self, head: Head, leftovers: bool) -> None:
        self._keep(head)
        self._finished[head.document_id] = head
        if leftovers:
            self._sweep[head.document_id] = head.live_from

    def _keep(self, head: Head) -> None:
        self._heads[head.document_id] = head
        self._changed.add(head.document_id)

    def write(self) -> Write:
        # A version that a later record of the same batch replaced need not be written at all.
        chunks = [point for point in self._chunks if point.version >= self._heads[point.document_id].live_from]
        return Write(
            chunks=chunks,
            heads=[
                replace(self._heads[document_id], replaces=state_token(self._before.get(document_id)))
                for document_id in sorted(self._changed)
            ],
            sweep=self._sweep,
            finished=list(self._finished.values()),
            reached=dict(self._heads),
            outcomes=self.outcomes,
        )


def _point(record: EmbeddingRecord) -> ChunkPoint:
    return ChunkPoint(
        document_id=record.id,
        version=record.version,
        part=record.part,
        chunk=record.chunk,
        text=record.text,
        vector=np.frombuffer(record.vector, dtype="<f4"),
        metadata=record.metadata,
        tenant=record.tenant,
        source=record.source,
    )


def _head(arrival: Arrival, chunks: int, now_ns: int) -> Head:
    record = arrival.record
    stamps = {name: value for name in headers.STAMPS if (value := headers.stamp(arrival.headers, name)) is not None}
    return Head(
        document_id=record.id,
        version=record.version,
        chunks=chunks,
        metadata=record.metadata,
        tenant=record.tenant,
        source=record.source,
        model=record.model,
        revision=record.revision,
        stamps={**stamps, headers.UPSERTED: now_ns},
        traceparent=arrival.headers.get(headers.TRACEPARENT, b"").decode("ascii", "replace"),
    )
