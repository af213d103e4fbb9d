"""Deterministic ids: the same document, version and position give the same point on every replay."""

from __future__ import annotations

import hashlib
import uuid

from freshet.errors import RejectedRecord

MAX_ID_BYTES = 512

_POINTS = uuid.UUID("6f1d2c1e-3b7a-5c58-9c0e-7f5a0c3f9b11")
_HEADS = uuid.UUID("0c7e2f64-8f0b-5a5e-8a52-2a8de0d3c7f4")


def check_document_id(document_id: str) -> None:
    """Raise RejectedRecord unless the id is 1 to 512 bytes of printable UTF-8."""
    if not document_id:
        raise RejectedRecord("invalid-id", "the document id is empty")
    if len(document_id.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
        raise RejectedRecord("invalid-id", f"the document id is longer than {MAX_ID_BYTES} bytes")
    if not document_id.isprintable():
        raise RejectedRecord("invalid-id", "the document id holds control characters")


def chunk_id(document_id: str, version: int, part: int, chunk: int) -> str:
    """The point id (a UUID) of one chunk of one version of a document."""
    return str(uuid.uuid5(_POINTS, f"{document_id}\0{version}\0{part}\0{chunk}"))


def head_id(document_id: str) -> str:
    """The point id of the document's head: the record of its newest version."""
    return str(uuid.uuid5(_HEADS, document_id))


def content_hash(text: str) -> bytes:
    """16 bytes that name a text's content; the key under which its vector is cached."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
