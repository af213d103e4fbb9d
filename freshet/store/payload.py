"""Points' payloads: the one layout that the embedded store and the server share.

What the engine filters by, and what a person looks for, are fields of their own; the rest is JSON text in ``body``.
An engine converts a payload field by field (3 µs each, holding the GIL), and its JSON has no integer beyond 64 bits
and no NaN, one of which would fail its whole batch.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Final

from freshet.store.protocol import ChunkPoint, CollectionInfo, Head, Progress, Vector, state_token
from freshet.store.tags import tags

Payload = dict[str, Any]

INFO_ID: Final = str(uuid.UUID("a3d1c0de-0000-5000-8000-000000000001"))
"""The point that holds the CollectionInfo."""
LIVE: Final = "live"
DELETED: Final = "deleted"
PENDING: Final = "pending"


def chunk_payload(chunk: ChunkPoint, info: CollectionInfo) -> Payload:
    return {
        "document_id": chunk.document_id,
        "version": chunk.version,
        "part": chunk.part,
        "chunk": chunk.chunk,
        "text": chunk.text,
        "tags": tags(chunk.metadata, chunk.tenant, chunk.source),
        "model": f"{info.model}@{info.revision}",
        "body": json.dumps([chunk.metadata, chunk.tenant, chunk.source], ensure_ascii=False),
    }


def chunk_point(payload: Payload, vector: Vector) -> ChunkPoint:
    place = payload["document_id"], payload["version"], payload["part"], payload["chunk"]
    metadata, tenant, source = json.loads(payload["body"])
    return ChunkPoint(*place, payload["text"], vector, metadata, tenant, source)


def head_payload(head: Head) -> Payload:
    body: dict[str, Any] = {
        "chunks": head.chunks,
        "metadata": head.metadata,
        "tenant": head.tenant,
        "source": head.source,
        "model": head.model,
        "revision": head.revision,
        "stamps": dict(head.stamps),
        "traceparent": head.traceparent,
    }
    if head.pending is not None:
        body["pending"] = _noted(head.pending)
    if head.older:
        body["older"] = [_noted(progress) for progress in head.older]
    return {
        "head": head.document_id,
        "version": head.version,
        "token": state_token(head),
        "state": DELETED if head.deleted else LIVE if head.version >= 0 else PENDING,
        "body": json.dumps(body, ensure_ascii=False),
    }


def head_of(payload: Payload) -> Head:
    body = json.loads(payload["body"])
    pending = body.pop("pending", None)
    return Head(
        document_id=payload["head"],
        version=payload["version"],
        deleted=payload["state"] == DELETED,
        pending=None if pending is None else _progress(*pending),
        older=tuple(_progress(*noted) for noted in body.pop("older", ())),
        **body,
    )


def info_payload(info: CollectionInfo) -> Payload:
    return {"model": info.model, "revision": info.revision, "dimension": info.dimension}


def info_of(payload: Payload) -> CollectionInfo:
    return CollectionInfo(payload["model"], payload["revision"], payload["dimension"])


def _noted(progress: Progress) -> list[Any]:
    partial = [[part, count, seen] for part, (count, seen) in progress.partial.items()]
    return [progress.version, progress.full, partial, progress.parts, progress.chunks]


def _progress(
    version: int, full: list[list[int]], partial: list[list[int]], parts: int | None, chunks: int
) -> Progress:
    spans = tuple((first, end) for first, end in full)
    return Progress(version, spans, {part: (count, seen) for part, count, seen in partial}, parts, chunks)
