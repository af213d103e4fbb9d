"""The chunk points of one generation: writes, sweeps and nearest neighbours in one shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from qdrant_edge import (
    EdgeShard,
    FieldCondition,
    Filter,
    KeywordIndexParams,
    MatchAny,
    MatchValue,
    Point,
    Query,
    QueryRequest,
    ScrollRequest,
    SearchParams,
    UpdateOperation,
)

from freshet.store.edge import engine
from freshet.store.payload import Payload, chunk_point
from freshet.store.protocol import ChunkPoint
from freshet.store.settings import StoreSettings
from freshet.store.visibility import Candidate

_SHOWN = ["document_id", "version", "part", "chunk", "text"]
_PAGE = 1_000


class ChunkShard:
    """Calls must not overlap: the caller holds the store's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shard: EdgeShard = engine.load(folder)
        self.unflushed = 0
        """Changes since the last flush."""

    @staticmethod
    def create(folder: Path, dimension: int, settings: StoreSettings) -> None:
        # On disk, which here means mapped: in memory they would be rebuilt by each load, a third of its time.
        keywords = {
            "document_id": KeywordIndexParams(enable_hnsw=False, on_disk=True),
            "tags": KeywordIndexParams(on_disk=True),
        }
        engine.create(folder, engine.chunk_config(dimension, settings), keywords)

    def upsert(self, points: Sequence[Point]) -> None:
        self._shard.update(UpdateOperation.upsert_points(list(points)))
        self.unflushed += len(points)

    def delete(self, point_ids: Sequence[str]) -> None:
        self._shard.update(UpdateOperation.delete_points(list(point_ids)))
        self.unflushed += len(point_ids)

    def below(self, sweep: Mapping[str, int]) -> list[str]:
        """The ids of the named documents' chunks whose version is below the given one."""
        condition = Filter(must=[FieldCondition("document_id", match=MatchAny(list(sweep)))])
        old: list[str] = []
        offset = None
        while True:
            request = ScrollRequest(offset, _PAGE, condition, ["document_id", "version"])
            records, offset = self._shard.scroll(request)
            for record in records:
                payload = record.payload or {}
                if payload["version"] < sweep[payload["document_id"]]:
                    old.append(str(record.id))
            if offset is None:
                return old

    def of_document(self, document_id: str, version: int) -> list[ChunkPoint]:
        """The chunks of one version, in order."""
        condition = Filter(
            must=[
                FieldCondition("document_id", match=MatchValue(document_id)),
                FieldCondition("version", match=MatchValue(version)),
            ]
        )
        found: list[ChunkPoint] = []
        offset = None
        while True:
            records, offset = self._shard.scroll(ScrollRequest(offset, _PAGE, condition, True, True))
            found += [chunk_point(r.payload or {}, np.asarray(r.vector, dtype=np.float32)) for r in records]
            if offset is None:
                return sorted(found, key=lambda point: (point.part, point.chunk))

    def nearest(self, vector: list[float], limit: int, where: Filter | None, ef: int) -> list[Candidate]:
        params = SearchParams(hnsw_ef=max(ef, limit))
        query = Query.Nearest(vector)
        request = QueryRequest(limit, query=query, with_payload=_SHOWN, filter=where, params=params)
        return [_candidate(point.payload or {}, point.score) for point in self._shard.query(request)]

    def counts(self) -> tuple[int, int]:
        """All vectors, and those in a graph."""
        info = self._shard.info()
        return info.points_count, min(info.points_count, info.indexed_vectors_count)

    def checkpoint(self, after: int) -> None:
        """Flush the engine when this many points changed since: it bounds the log, and the stall of the flush."""
        if self.unflushed >= after:
            self._shard.flush()
            self.unflushed = 0

    def sync(self) -> None:
        engine.sync_log(self.folder)

    def retire(self) -> None:
        """Close what nothing uses any more. The engine's flush, which holds the GIL, finds the files written out."""
        engine.sync_files(self.folder)
        self._shard.close()

    def close(self) -> None:
        self._shard.close()


def tags_filter(wanted: Sequence[Sequence[str]]) -> Filter | None:
    """Points that have at least one tag of each list."""
    if not wanted:
        return None
    return Filter(must=[FieldCondition("tags", match=MatchAny(list(tags))) for tags in wanted])


def _candidate(payload: Payload, score: float) -> Candidate:
    place = payload["document_id"], payload["version"], payload["part"], payload["chunk"]
    return Candidate(*place, payload["text"], score)
