"""Points' payloads: the one layout that the embedded store and the server share."""

from __future__ import annotations

import math
import uuid
from typing import Any, Final

from freshet.events import Metadata, Scalar
from freshet.store.protocol import ChunkPoint, CollectionInfo, Head, Progress, Vector
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
        **split_version(chunk.version),
        "part": chunk.part,
        "chunk": chunk.chunk,
        "text": chunk.text,
        "metadata": _pack(chunk.metadata),
        "tenant": chunk.tenant,
        "source": chunk.source,
        "tags": tags(chunk.metadata, chunk.tenant, chunk.source),
        "model": info.model,
        "revision": info.revision,
    }


def chunk_point(payload: Payload, vector: Vector) -> ChunkPoint:
    return ChunkPoint(
        document_id=payload["document_id"],
        version=payload["version"],
        part=payload["part"],
        chunk=payload["chunk"],
        text=payload["text"],
        vector=vector,
        metadata=_unpack(payload["metadata"]),
        tenant=payload["tenant"],
        source=payload["source"],
    )


def head_payload(head: Head) -> Payload:
    return {
        "head": head.document_id,
        "state": DELETED if head.deleted else LIVE if head.version >= 0 else PENDING,
        **split_version(head.version),
        "chunks": head.chunks,
        "metadata": _pack(head.metadata),
        "tenant": head.tenant,
        "source": head.source,
        "model": head.model,
        "revision": head.revision,
        "stamps": dict(head.stamps),
        "traceparent": head.traceparent,
        "pending": None if head.pending is None else _pending_payload(head.pending),
    }


def head_of(payload: Payload) -> Head:
    pending = payload["pending"]
    return Head(
        document_id=payload["head"],
        version=payload["version"],
        deleted=payload["state"] == DELETED,
        chunks=payload["chunks"],
        metadata=_unpack(payload["metadata"]),
        tenant=payload["tenant"],
        source=payload["source"],
        model=payload["model"],
        revision=payload["revision"],
        stamps=payload["stamps"],
        traceparent=payload["traceparent"],
        pending=None if pending is None else _progress_of(pending),
    )


def info_payload(info: CollectionInfo) -> Payload:
    return {"model": info.model, "revision": info.revision, "dimension": info.dimension, "state": "info"}


def info_of(payload: Payload) -> CollectionInfo:
    return CollectionInfo(payload["model"], payload["revision"], payload["dimension"])


def split_version(version: int) -> dict[str, int]:
    """The version, and its halves for range filters, which compare as float64 and are exact up to 2**53 only."""
    return {"version": version, "version_high": version >> 32, "version_low": version & 0xFFFFFFFF}


def _pending_payload(pending: Progress) -> Payload:
    return {
        "version": pending.version,
        "full": [list(span) for span in pending.full],
        # The mask has a bit per chunk, so more than a JSON integer holds.
        "partial": [[part, count, f"{mask:x}"] for part, (count, mask) in pending.partial.items()],
        "parts": pending.parts,
        "chunks": pending.chunks,
    }


def _progress_of(payload: Payload) -> Progress:
    return Progress(
        version=payload["version"],
        full=tuple((first, end) for first, end in payload["full"]),
        partial={part: (count, int(mask, 16)) for part, count, mask in payload["partial"]},
        parts=payload["parts"],
        chunks=payload["chunks"],
    )


def _pack(metadata: Metadata) -> Payload:
    return {
        key: [_pack_scalar(element) for element in value] if isinstance(value, list) else _pack_scalar(value)
        for key, value in metadata.items()
    }


def _pack_scalar(value: Scalar) -> Any:
    """Numbers that the engine's JSON cannot hold go as text: one such value must not fail its whole batch."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    fits = math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**63
    return value if fits else {"number": repr(value)}


def _unpack(metadata: Payload) -> Metadata:
    return {
        key: [_unpack_scalar(element) for element in value] if isinstance(value, list) else _unpack_scalar(value)
        for key, value in metadata.items()
    }


def _unpack_scalar(value: Any) -> Scalar:
    if isinstance(value, dict):
        text = value["number"]
        return int(text) if text.lstrip("-").isdigit() else float(text)
    scalar: Scalar = value
    return scalar
