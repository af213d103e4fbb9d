"""The heads, in a shard of their own: it has no vectors, so it never needs a graph built."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from qdrant_edge import (
    CountRequest,
    EdgeShard,
    FieldCondition,
    Filter,
    KeywordIndexParams,
    MatchAny,
    MatchValue,
    Point,
    ScrollRequest,
    UpdateOperation,
)

from freshet.ids import head_id
from freshet.store.edge import engine
from freshet.store.payload import DELETED, INFO_ID, LIVE, PENDING, Payload, head_of, head_payload, info_of, info_payload
from freshet.store.protocol import CollectionInfo, Head


class HeadPoint(NamedTuple):
    """A head ready to be written. ``replaces`` as in ``Head``."""

    version: int
    replaces: str | None
    point: Point


def head_points(heads: Sequence[Head]) -> dict[str, HeadPoint]:
    """By document id; of several for one document the highest version, and the last of these. Needs no lock."""
    newest: dict[str, Head] = {}
    for head in heads:
        before = newest.get(head.document_id)
        if before is None or before.version <= head.version:
            newest[head.document_id] = head
    return {
        name: HeadPoint(head.version, head.replaces, Point(head_id(name), {}, head_payload(head)))
        for name, head in newest.items()
    }


class HeadShard:
    """Reads and conditional writes of heads. Calls must not overlap: the caller holds the store's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shard: EdgeShard = engine.load(folder)
        self.unflushed = 0
        """Changes since the last flush."""

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

    def write(self, points: Mapping[str, HeadPoint]) -> None:
        """Upsert each head, by document id, unless one of a higher version, or not the one it replaces, is there."""
        # The single owner makes read-then-write exact; the engine's own condition would compare versions as floats.
        present = self._states(points)
        accepted = [head.point for name, head in points.items() if _may_replace(head, present.get(name))]
        if accepted:
            self._shard.update(UpdateOperation.upsert_points(accepted))
            self.unflushed += len(accepted)

    def _states(self, document_ids: Collection[str]) -> dict[str, Payload]:
        ids: list[int | UUID | str] = [head_id(document_id) for document_id in document_ids]
        found = self._shard.retrieve(ids, ["head", "version", "token"], False)
        return {payload["head"]: payload for record in found if (payload := record.payload)}

    def scan(self, after: str | None, limit: int) -> list[Head]:
        """In the order of the points' ids; ``after`` need not exist."""
        condition = Filter(must=[FieldCondition("state", match=MatchAny([LIVE, DELETED, PENDING]))])
        # The engine starts at the offset and not behind it.
        start = None if after is None else head_id(after)
        records, _ = self._shard.scroll(ScrollRequest(start, limit + (after is not None), condition, True))
        heads = [head_of(record.payload or {}) for record in records]
        return [head for head in heads if head.document_id != after][:limit]

    def count(self, state: str) -> int:
        condition = FieldCondition("state", match=MatchValue(state))
        return self._shard.count(CountRequest(filter=Filter(must=[condition])))

    def checkpoint(self, after: int) -> None:
        """Flush the engine when this many heads were written since: it bounds the log, and the stall of the flush."""
        if self.unflushed >= after:
            self._shard.flush()
            self.unflushed = 0

    def close(self) -> None:
        self._shard.close()


def _may_replace(head: HeadPoint, present: Payload | None) -> bool:
    if present is None:
        return not head.replaces
    # Heads written before there were tokens are guarded by their version alone.
    as_read = head.replaces is None or present.get("token") in (None, head.replaces)
    return bool(present["version"] <= head.version) and as_read
