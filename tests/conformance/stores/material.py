"""Documents to write: vectors by angle, so that a test says which of two is nearer."""

from __future__ import annotations

import math

import numpy as np

from freshet.events import Metadata
from freshet.store import ChunkPoint, CollectionInfo, Head, Progress, VectorStore
from freshet.store.protocol import Vector

INFO = CollectionInfo("test-model", "r1", 4)


def toward(angle: float) -> Vector:
    """A unit vector; of two, the one whose angle (radians) is closer is the nearer."""
    return np.array([math.cos(angle), math.sin(angle), 0, 0], np.float32)


def chunk(
    document: str,
    version: int,
    number: int = 0,
    angle: float = 0.0,
    text: str | None = None,
    metadata: Metadata | None = None,
    tenant: str = "",
    source: str = "",
) -> ChunkPoint:
    words = f"{document} v{version} #{number}" if text is None else text
    return ChunkPoint(document, version, 0, number, words, toward(angle), metadata or {}, tenant, source)


def head(document: str, version: int, chunks: int = 1, deleted: bool = False, pending: Progress | None = None) -> Head:
    return Head(document, version, deleted=deleted, chunks=chunks, pending=pending)


def put(store: VectorStore, *chunks: ChunkPoint) -> None:
    """One complete version of one document, as the consumer writes it: beside the old one, then the old one swept."""
    first = chunks[0]
    store.write(chunks, [head(first.document_id, first.version, len(chunks))], {first.document_id: first.version})


def remove(store: VectorStore, document: str, version: int) -> None:
    store.write([], [head(document, version, 0, deleted=True)], {document: version})


def found(store: VectorStore, angle: float = 0.0, k: int = 10) -> list[tuple[str, int, int]]:
    """Document, version and chunk number of each hit, best first."""
    return [(hit.document_id, hit.version, hit.chunk) for hit in store.search(toward(angle), k)]
