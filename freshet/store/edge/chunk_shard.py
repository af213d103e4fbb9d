"""The chunk points of one generation, in the process that has its engine: writes, sweeps and nearest neighbours."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qdrant_edge import (
    EdgeConfig,
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
from freshet.store.edge.messages import (
    CandidateRow,
    ChunkRow,
    Close,
    Counts,
    Flush,
    Nearest,
    OfDocument,
    PointRow,
    Sweep,
    Upsert,
)

_SHOWN = ["document_id", "version", "part", "chunk", "text"]
_PAGE = 1_000


class ChunkShard:
    def __init__(self, folder: Path) -> None:
        self._shard: EdgeShard = engine.load(folder)

    @staticmethod
    def create(folder: Path, config: EdgeConfig) -> None:
        # On disk, which here means mapped: in memory they would be rebuilt by each load, a third of its time.
        keywords = {
            "document_id": KeywordIndexParams(enable_hnsw=False, on_disk=True),
            "tags": KeywordIndexParams(on_disk=True),
        }
        engine.create(folder, config, keywords)

    def answers(self) -> dict[type[Any], Callable[[Any], object]]:
        return {
            Upsert: lambda request: self.upsert(request.points),
            Sweep: lambda request: self.sweep(request.below),
            Nearest: self.nearest,
            OfDocument: lambda request: self.of_document(request.document_id, request.version),
            Counts: lambda _: self.counts(),
            Flush: lambda _: self._shard.flush(),
            Close: lambda _: self._shard.close(),
        }

    def upsert(self, rows: Sequence[PointRow]) -> int:
        points = [Point(identity, _floats(vector), payload) for identity, vector, payload in rows]
        self._shard.update(UpdateOperation.upsert_points(points))
        return 0

    def sweep(self, below: Mapping[str, int]) -> int:
        old = self._below(below)
        if old:
            self._shard.update(UpdateOperation.delete_points(list(old)))
        return len(old)

    def nearest(self, request: Nearest) -> list[CandidateRow]:
        where = None
        if request.tags:
            where = Filter(must=[FieldCondition("tags", match=MatchAny(list(tags))) for tags in request.tags])
        query = QueryRequest(
            request.limit,
            query=Query.Nearest(_floats(request.vector)),
            with_payload=_SHOWN,
            filter=where,
            params=SearchParams(hnsw_ef=max(request.ef, request.limit)),
        )
        found: list[CandidateRow] = []
        for point in self._shard.query(query):
            shown = point.payload or {}
            place = shown["document_id"], shown["version"], shown["part"], shown["chunk"]
            found.append((*place, shown["text"], point.score))
        return found

    def of_document(self, document_id: str, version: int) -> list[ChunkRow]:
        condition = Filter(
            must=[
                FieldCondition("document_id", match=MatchValue(document_id)),
                FieldCondition("version", match=MatchValue(version)),
            ]
        )
        found: list[ChunkRow] = []
        offset = None
        while True:
            records, offset = self._shard.scroll(ScrollRequest(offset, _PAGE, condition, True, True))
            for record in records:
                vector: Any = record.vector
                found.append((record.payload or {}, array("f", vector).tobytes()))
            if offset is None:
                return found

    def counts(self) -> tuple[int, int]:
        info = self._shard.info()
        return info.points_count, min(info.points_count, info.indexed_vectors_count)

    def _below(self, sweep: Mapping[str, int]) -> list[str]:
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


def _floats(vector: bytes) -> list[float]:
    numbers = array("f")
    numbers.frombytes(vector)
    return numbers.tolist()
