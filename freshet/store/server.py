"""A VectorStore on a Qdrant server, which any number of processes may use at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models

from freshet.errors import RevisionMismatch, UnavailableError, UsageError
from freshet.ids import chunk_id, head_id
from freshet.store.authority import certificates, context
from freshet.store.payload import (
    DELETED,
    INFO_ID,
    LIVE,
    PENDING,
    Payload,
    chunk_payload,
    chunk_point,
    head_of,
    head_payload,
    info_of,
    info_payload,
)
from freshet.store.protocol import ChunkPoint, CollectionInfo, Filter, Head, Hit, StoreStats, Vector
from freshet.store.server_calls import ServerCalls
from freshet.store.settings import StoreSettings
from freshet.store.tags import wanted
from freshet.store.visibility import Candidate, visible_hits

_SHOWN = ["document_id", "version", "part", "chunk", "text"]
_PAGE = 1_000
_CONNECTION = {
    # A connection that a firewall has forgotten is never closed: without a sign of life gRPC would use it for ever.
    "grpc.keepalive_time_ms": 5_000,
    "grpc.keepalive_timeout_ms": 5_000,
    # Of gRPC's other pings, behind which the one for the sign of life would wait: a minute by default.
    "grpc.http2.ping_timeout_ms": 5_000,
    "grpc.http2.max_pings_without_data": 0,
    # A server that is away is asked for again every second or two; by default the pauses grow to two minutes, and a try
    # may take 20 s.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2_000,
    "grpc.min_reconnect_backoff_ms": 3_000,
}
_OLDEST = (1, 17)
"""Older servers ignore ``update_filter`` (before 1.16) or ``update_mode``, and would let a head replace a newer one, or
bring back one that a power loss took together with the chunks it counts."""


class ServerStore:
    """A VectorStore in the collection ``settings.collection`` of the server at ``settings.url``.

    Chunks and heads share the collection; heads are points without a vector. Every write waits until it is applied.
    """

    durability_lag_s = 1.0

    def __init__(self, settings: StoreSettings, client: QdrantClient | None = None) -> None:
        self._settings = settings
        self._name = settings.collection
        self._client = client
        self._info: CollectionInfo | None = None
        self._calls = ServerCalls(settings.url or "memory")
        # With copies, a conditional write must find the same state on each: all go through the shard's leader.
        self._ordering = models.WriteOrdering.STRONG if settings.replicas > 1 else None

    def open(self, expected: CollectionInfo) -> None:
        """Create the collection or check the one there is. Raises UsageError for a server older than 1.17."""
        client = self._client = self._client or self._connect()
        with self._calls("open the collection"):
            self._check_version(client)
            if not client.collection_exists(self._name):
                self._create(client, expected.dimension)
            found = client.retrieve(self._name, [INFO_ID], with_payload=True)
            if not found:
                point = models.PointStruct(id=INFO_ID, vector={}, payload=info_payload(expected))
                client.upsert(self._name, [point], wait=True)
            elif info_of(found[0].payload or {}) != expected:
                raise _mismatch(self._settings, info_of(found[0].payload or {}), expected)
        self._info = expected

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        return self._heads(document_ids)

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        """As the protocol says, in one request. Blocks until the server has applied it."""
        client, info = self._open()
        operations: list[models.UpdateOperation] = []
        if chunks:
            points = [_chunk_point(chunk, info) for chunk in chunks]
            operations.append(models.UpsertOperation(upsert=models.PointsList(points=points)))
        newest: dict[str, Head] = {}
        for head in heads:
            before = newest.get(head.document_id)
            if before is None or before.version <= head.version:
                newest[head.document_id] = head
        inserted = [head for head in newest.values() if not head.replaces]
        updated = [head for head in newest.values() if head.replaces]
        if inserted:
            operations.append(models.UpsertOperation(upsert=_heads_upsert(inserted, models.UpdateMode.UPSERT)))
        if updated:
            operations.append(models.UpsertOperation(upsert=_heads_upsert(updated, models.UpdateMode.UPDATE_ONLY)))
        if sweep:
            below = models.Filter(should=[_older_chunks(*item) for item in sweep.items()])
            operations.append(models.DeleteOperation(delete=models.FilterSelector(filter=below)))
        if operations:
            with self._calls("write"):
                results = client.batch_update_points(self._name, operations, wait=True, ordering=self._ordering)
                for result in results:
                    self._calls.check_applied("write", result)

    def flush(self) -> None:
        """Nothing that a client could wait for: the server syncs by itself, ``durability_lag_s`` after a write at most.

        A power loss of an unreplicated server can take what it acknowledged since. Commit offsets that much later, or
        rewind when the server has restarted.
        """

    def search(self, vector: Vector, k: int, where: Filter | None = None) -> list[Hit]:
        client, _ = self._open()
        conditions = list(wanted(where or Filter()))
        if k < 1 or not all(conditions):
            return []
        must: list[models.Condition] = [
            models.FieldCondition(key="tags", match=models.MatchAny(any=tags)) for tags in conditions
        ]
        query_filter = models.Filter(must=must) if must else None
        query: list[float] = vector.tolist()

        def nearest(limit: int) -> list[Candidate]:
            with self._calls("search"):
                found = client.query_points(
                    self._name,
                    query=query,
                    limit=limit,
                    query_filter=query_filter,
                    with_payload=_SHOWN,
                    search_params=models.SearchParams(hnsw_ef=max(limit, self._settings.ef)),
                )
            return [_candidate(point.payload or {}, point.score) for point in found.points]

        return visible_hits(nearest, self._heads, k, still=False, where=where)

    def document(self, document_id: str) -> tuple[Head, list[ChunkPoint]] | None:
        """Reads again when a newer version replaced the one whose chunks were being read."""
        head = self._heads([document_id]).get(document_id)
        while head is not None and not head.deleted and head.version >= 0:
            chunks = self._chunks(document_id, head.version)
            after = self._heads([document_id]).get(document_id)
            if after is None or after.version == head.version:
                return head, chunks
            head = after
        return None if head is None else (head, [])

    def scan(self, after: str | None, limit: int) -> list[Head]:
        client, _ = self._open()
        states = models.FieldCondition(key="state", match=models.MatchAny(any=[LIVE, DELETED, PENDING]))
        with self._calls("list documents"):
            # The server starts at the offset and not behind it.
            records, _ = client.scroll(
                self._name,
                models.Filter(must=[states]),
                limit=limit + (after is not None),
                offset=None if after is None else head_id(after),
                with_payload=True,
            )
        heads = [head_of(record.payload or {}) for record in records]
        return [head for head in heads if head.document_id != after][:limit]

    def stats(self) -> StoreStats:
        client, _ = self._open()
        with self._calls("count"):
            count = partial(client.count, self._name, exact=True)
            documents = count(count_filter=models.Filter(must=[_equals("state", LIVE)])).count
            tombstones = count(count_filter=models.Filter(must=[_equals("state", DELETED)])).count
            heads = models.IsEmptyCondition(is_empty=models.PayloadField(key="document_id"))
            chunks = count(count_filter=models.Filter(must_not=[heads])).count
            indexed = client.get_collection(self._name).indexed_vectors_count or 0
        return StoreStats(documents, tombstones, chunks, min(indexed, chunks))

    def close(self) -> None:
        client, self._client, self._info = self._client, None, None
        if client is not None:
            client.close()

    def _connect(self) -> QdrantClient:
        settings = self._settings
        key = None if settings.api_key is None else settings.api_key.get_secret_value()
        grpc = settings.grpc_port is not None
        # Whole seconds are all that the client's HTTP and gRPC sides agree on.
        timeout = max(1, round(settings.timeout_s))
        options: dict[str, Any] = dict(_CONNECTION)  # which the client writes into
        trusted: dict[str, Any] = {}
        if settings.ca is not None:
            options["root_certificates"] = certificates(settings.ca)
            trusted["verify"] = context(settings.ca)
        with self._calls("connect"):
            return QdrantClient(
                url=settings.url,
                api_key=key,
                prefer_grpc=grpc,
                grpc_port=settings.grpc_port or 6334,
                timeout=timeout,
                grpc_options=options,
                check_compatibility=False,
                **trusted,
            )

    def _check_version(self, client: QdrantClient) -> None:
        if self._settings.url is None:
            return
        version = client.info().version
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
            raise UsageError(
                f"the Qdrant server at {self._settings.url} is {version}",
                "conditional writes need 1.17 or later; without them a late event could undo a newer one",
                "upgrade the server",
            )

    def _create(self, client: QdrantClient, dimension: int) -> None:
        hnsw = models.HnswConfigDiff(m=self._settings.m, ef_construct=self._settings.ef_construct)
        vectors = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
        sync = models.OptimizersConfigDiff(flush_interval_sec=round(self.durability_lag_s))
        client.create_collection(
            self._name,
            vectors_config=vectors,
            hnsw_config=hnsw,
            optimizers_config=sync,
            replication_factor=self._settings.replicas,
            shard_number=self._settings.shards,
        )
        if self._settings.url is None:
            return  # the client's memory mode has no payload indexes
        keyword = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD)
        plain = keyword.model_copy(update={"enable_hnsw": False})
        for name, schema in (("document_id", plain), ("tags", keyword), ("state", plain)):
            client.create_payload_index(self._name, name, schema, wait=True)

    def _heads(self, document_ids: Collection[str]) -> dict[str, Head]:
        client, _ = self._open()
        if not document_ids:
            return {}
        with self._calls("read heads"):
            found = client.retrieve(self._name, [head_id(name) for name in document_ids], with_payload=True)
        heads = (head_of(record.payload or {}) for record in found)
        return {head.document_id: head for head in heads}

    def _chunks(self, document_id: str, version: int) -> list[ChunkPoint]:
        client, _ = self._open()
        where = models.Filter(must=[_equals("document_id", document_id), _equals("version", version)])
        chunks: list[ChunkPoint] = []
        offset = None
        while True:
            with self._calls("read a document"):
                records, offset = client.scroll(
                    self._name, where, limit=_PAGE, offset=offset, with_payload=True, with_vectors=True
                )
            for record in records:
                chunks.append(chunk_point(record.payload or {}, np.asarray(record.vector, dtype=np.float32)))
            if offset is None:
                return sorted(chunks, key=lambda chunk: (chunk.part, chunk.chunk))

    def _open(self) -> tuple[QdrantClient, CollectionInfo]:
        if self._client is None or self._info is None:
            raise UnavailableError("the store is not open", str(self._settings.url), "call open first")
        return self._client, self._info


def _chunk_point(chunk: ChunkPoint, info: CollectionInfo) -> models.PointStruct:
    if chunk.vector.shape != (info.dimension,):
        raise UsageError(f"a vector of shape {chunk.vector.shape}", f"the collection holds ({info.dimension},)")
    identity = chunk_id(chunk.document_id, chunk.version, chunk.part, chunk.chunk)
    payload = chunk_payload(chunk, info) | _halves(chunk.version)
    return models.PointStruct(id=identity, vector=chunk.vector.tolist(), payload=payload)


def _heads_upsert(heads: Sequence[Head], mode: models.UpdateMode) -> models.PointsList:
    """All heads at once, each only where the one there is not newer and, if it says so, the one that it replaces."""
    points = []
    allowed: list[models.Condition] = []
    for head in heads:
        identity = head_id(head.document_id)
        points.append(models.PointStruct(id=identity, vector={}, payload=head_payload(head) | _halves(head.version)))
        must: list[models.Condition] = [models.HasIdCondition(has_id=[identity]), _below(head.version + 1)]
        if head.replaces is not None:
            must.append(_has_token(head.replaces))
        allowed.append(models.Filter(must=must))
    return models.PointsList(points=points, update_filter=models.Filter(should=allowed), update_mode=mode)


def _has_token(token: str) -> models.Filter:
    """Heads written before there were tokens are guarded by their version alone."""
    none = models.IsEmptyCondition(is_empty=models.PayloadField(key="token"))
    return models.Filter(should=[_equals("token", token), none])


def _older_chunks(document_id: str, version: int) -> models.Filter:
    return models.Filter(must=[_equals("document_id", document_id), _below(version)])


def _below(version: int) -> models.Filter:
    """Exact where a plain range, which compares as float64, would take a version for its neighbours."""
    high, low = _halves(version).values()
    same_high = models.Filter(
        must=[_equals("version_high", high), models.FieldCondition(key="version_low", range=models.Range(lt=low))]
    )
    return models.Filter(should=[models.FieldCondition(key="version_high", range=models.Range(lt=high)), same_high])


def _halves(version: int) -> dict[str, int]:
    return {"version_high": version >> 32, "version_low": version & 0xFFFFFFFF}


def _equals(key: str, value: str | int) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def _candidate(payload: Payload, score: float) -> Candidate:
    place = payload["document_id"], payload["version"], payload["part"], payload["chunk"]
    return Candidate(*place, payload["text"], score)


def _mismatch(settings: StoreSettings, found: CollectionInfo, expected: CollectionInfo) -> RevisionMismatch:
    return RevisionMismatch(
        f"the collection {settings.collection!r} holds vectors of {found.model} {found.revision} ({found.dimension})",
        f"this process embeds with {expected.model} {expected.revision} ({expected.dimension})",
        "use the former model, or another FRESHET_STORE_COLLECTION and read the topic again (docs/operations.md)",
    )
