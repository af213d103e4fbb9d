"""The heads, in a shard of their own: it has no vectors, so it never needs a graph built."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from uuid import UUID

from qdrant_edge import (
    CountRequest,
    EdgeShard,
    FieldCondition,
    Filter,
    KeywordIndexParams,
    MatchValue,
    Point,
    UpdateOperation,
)

from freshet.ids import head_id
from freshet.store.edge import engine
from freshet.store.payload import INFO_ID, head_of, head_payload, info_of, info_payload
from freshet.store.protocol import CollectionInfo, Head


class HeadShard:
    """Reads and conditional writes of heads. Calls must not overlap: the caller holds the store's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shard: EdgeShard = engine.load(folder)
        self._unflushed = 0

    @staticmethod
    def create(folder: Path) -> None:
        engine.create(folder, engine.head_config(), {"state": KeywordIndexParams()})

    def info(self) -> CollectionInfo | None:
        found = self._shard.retrieve([INFO_ID], True, False)
        return info_of(found[0].payload or {}) if found else None

    def set_info(self, info: CollectionInfo) -> None:
        self._shard.update(UpdateOperation.upsert_points([Point(INFO_ID, {}, info_payload(info))]))

    def read(self, document_ids: Collection[str]) -> dict[str, Head]:
        found = self._shard.retrieve([head_id(document_id) for document_id in document_ids], True, False)
        heads = (head_of(record.payload or {}) for record in found)
        return {head.document_id: head for head in heads}

    def write(self, heads: Sequence[Head]) -> None:
        """Upsert each head unless a higher version is there; of two for one document the higher, then later, wins."""
        newest: dict[str, Head] = {}
        for head in heads:
            before = newest.get(head.document_id)
            if before is None or before.version <= head.version:
                newest[head.document_id] = head
        # The single owner makes read-then-write exact; the engine's own condition would compare versions as floats.
        present = self._versions(newest)
        points = [
            Point(head_id(head.document_id), {}, head_payload(head))
            for head in newest.values()
            if present.get(head.document_id, -1) <= head.version
        ]
        if points:
            self._shard.update(UpdateOperation.upsert_points(points))
            self._unflushed += len(points)

    def _versions(self, document_ids: Collection[str]) -> dict[str, int]:
        ids: list[int | UUID | str] = [head_id(document_id) for document_id in document_ids]
        found = self._shard.retrieve(ids, ["head", "version"], False)
        return {payload["head"]: payload["version"] for record in found if (payload := record.payload)}

    def count(self, state: str) -> int:
        condition = FieldCondition("state", match=MatchValue(state))
        return self._shard.count(CountRequest(filter=Filter(must=[condition])))

    def checkpoint(self, after: int) -> None:
        """Flush the engine when this many heads were written since: it bounds the log, and the stall of the flush."""
        if self._unflushed >= after:
            self._shard.flush()
            self._unflushed = 0

    def close(self) -> None:
        self._shard.close()
