"""One generation of a partition's chunk points, as the store sees it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import msgpack

from freshet.store.edge.client import Pending, ShardClient, number_of
from freshet.store.edge.durable import sync_log
from freshet.store.edge.messages import ChunkRow, Counts, Nearest, OfDocument, PointRow, Sweep, Upsert, encode
from freshet.store.payload import chunk_point
from freshet.store.protocol import ChunkPoint
from freshet.store.visibility import Candidate

_counts = msgpack.Decoder(tuple[int, int]).decode
_rows = msgpack.Decoder(list[ChunkRow]).decode
_candidates = msgpack.Decoder(list[Candidate]).decode


class Change(NamedTuple):
    """A write, encoded. Replayed in order, from any state since the first of them, changes end in the same state."""

    request: bytes
    points: int

    @classmethod
    def upsert(cls, rows: list[PointRow]) -> Change:
        return cls(encode(Upsert(rows)), len(rows))

    @classmethod
    def sweep(cls, below: dict[str, int]) -> Change:
        return cls(encode(Sweep(below)), len(below))


class Generation(ShardClient):
    """Calls must not overlap."""

    def __init__(self, starter: Executor, folder: Path, creation: Sequence[str] = ()) -> None:
        super().__init__(starter, "chunks", folder, creation)
        self.deleted = 0
        """Points deleted since this was loaded: they still take space and time in the graph."""

    def send(self, change: Change) -> Pending[int]:
        return self.ask(change.request, self._changed, change.points)

    def nearest(self, request: bytes) -> Pending[list[Candidate]]:
        """``request``: see ``nearest_request``."""
        return self.ask(request, _candidates)

    def of_document(self, document_id: str, version: int) -> list[ChunkPoint]:
        """The chunks of one version, in order."""
        rows = self.ask(encode(OfDocument(document_id, version)), _rows).answer()
        found = [chunk_point(payload, np.frombuffer(vector, dtype=np.float32)) for payload, vector in rows]
        return sorted(found, key=lambda point: (point.part, point.chunk))

    def counts(self) -> Pending[tuple[int, int]]:
        """All vectors, and those in a graph."""
        return self.ask(encode(Counts()), _counts)

    def sync(self) -> None:
        """Make every acknowledged change durable. Overlaps with anything."""
        sync_log(self.folder)

    def _changed(self, answer: bytes) -> int:
        deleted = number_of(answer)
        self.deleted += deleted
        return deleted


def nearest_request(vector: bytes, limit: int, tags: list[list[str]], ef: int) -> bytes:
    """The same for every partition. ``vector``: float32; ``tags``: a point must have at least one of each list."""
    return encode(Nearest(vector, limit, tags, ef))
