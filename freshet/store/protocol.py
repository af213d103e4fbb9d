"""The store as the consumer and search see it: chunk points, and one head per document that says which version is live.

A chunk is visible exactly when its version is its document's head's version and the head is no tombstone. So a new
version is written beside the old one, becomes visible by one write of the head, and the old chunks are swept after.
A delete is a head with ``deleted`` set: it keeps its version, so that a late older upsert cannot resurrect it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freshet.events import Metadata, Scalar

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ChunkPoint:
    """One chunk to write. Its point id is ``freshet.ids.chunk_id(document_id, version, part, chunk)``."""

    document_id: str
    version: int
    part: int
    chunk: int
    text: str
    vector: Vector
    """Shape (dimension,), float32, L2-normalised."""
    metadata: Metadata
    tenant: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a version that is not yet complete has been written.

    ``full`` holds the parts that are whole, as sorted, disjoint, half-open ranges of part numbers; ``partial`` maps a
    part in progress to (number of its chunks, bit mask of those seen); ``parts`` is their number once the last
    is known.
    """

    version: int
    full: tuple[tuple[int, int], ...] = ()
    partial: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    parts: int | None = None
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """The newest known state of a document. ``version`` is -1 while no version was ever complete."""

    document_id: str
    version: int
    deleted: bool = False
    chunks: int = 0
    metadata: Metadata = field(default_factory=dict)
    tenant: str = ""
    source: str = ""
    model: str = ""
    revision: str = ""
    stamps: Mapping[str, int] = field(default_factory=dict)
    """Nanoseconds since the epoch by header name (``freshet.headers.STAMPS``)."""
    traceparent: str = ""
    pending: Progress | None = None
    """The newest version that is not whole yet."""
    older: tuple[Progress, ...] = ()
    """Further ones, oldest first: should ``pending`` never become whole, they may."""
    replaces: str | None = field(default=None, compare=False)
    """Of a head to be written: the ``state_token`` of the one that it was made from, "" where there was none. A store
    refuses it when another is there by then. None: any of the same or a lower version may be replaced. Not stored."""

    @property
    def incomplete(self) -> tuple[Progress, ...]:
        """All versions that are not whole yet, oldest first."""
        return self.older if self.pending is None else (*self.older, self.pending)

    @property
    def live_from(self) -> int:
        """Chunks of a version below are of no use any more."""
        return self.version + 1 if self.deleted else self.version


def state_token(head: Head | None) -> str:
    """Names what a head says of versions. Two heads with the same token rest on the same chunks."""
    if head is None:
        return ""
    notes = [(one.version, one.full, sorted(one.partial.items()), one.parts) for one in head.incomplete]
    return hashlib.blake2b(repr((head.version, head.deleted, notes)).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Filter:
    """All conditions must hold. ``metadata`` matches a field's value, or any element where the field is a list."""

    metadata: Mapping[str, Scalar | Sequence[Scalar]] = field(default_factory=dict)
    """A sequence of values means any of them."""
    tenant: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One visible chunk. ``score`` is the cosine similarity, 1.0 at best."""

    document_id: str
    version: int
    part: int
    chunk: int
    text: str
    score: float
    head: Head


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """Which model's vectors the collection holds. Kept in the collection itself."""

    model: str
    revision: str
    dimension: int


@dataclass(frozen=True, slots=True)
class StoreStats:
    """``chunks`` counts chunk points including those not yet swept; ``indexed`` those in an HNSW graph."""

    documents: int
    tombstones: int
    chunks: int
    indexed: int
    disk_bytes: int | None = None


class VectorStore(Protocol):
    """Blocking and thread-safe. Every method raises UnavailableError when the store cannot answer at present."""

    @property
    def durability_lag_s(self) -> float:
        """How long after ``flush`` returned a power loss may still undo a write; offsets wait that much longer.

        Above 0 the store also outlives its writers and may have several: what they wrote must then be read again
        before they rely on it. At 0 there is one writer, and it dies with the store.
        """

    def open(self, expected: CollectionInfo) -> None:
        """Create the collection or open it. Raises RevisionMismatch when another model's vectors are in it."""

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        """The heads that exist, by document id."""

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        """Apply in this order: upsert chunks, upsert heads, delete each swept document's chunks of a version below.

        A head never replaces one of a higher ``version``, and one with ``replaces`` only the head that it names; one
        that is refused is left out without a word: read the heads to know. Returns when the store has acknowledged all
        of it: readers see it. ``flush`` makes it durable against power loss. Applying the same write again changes
        nothing.
        """

    def flush(self) -> None:
        """Return when everything written so far would survive a power loss, or will within ``durability_lag_s``."""

    def search(self, vector: Vector, k: int, where: Filter | None = None) -> list[Hit]:
        """The k nearest visible chunks, best first; fewer where fewer match."""

    def document(self, document_id: str) -> tuple[Head, list[ChunkPoint]] | None:
        """The head and the visible chunks in order (vectors included), or None where the id was never seen."""

    def scan(self, after: str | None, limit: int) -> list[Head]:
        """Up to ``limit`` heads behind that of the document ``after`` (from the first where None), in the order of
        ``freshet.ids.head_id``; tombstones and pending heads included. Fewer than ``limit`` only at the end.

        Page on with the last head's id. A head that is there all the while comes exactly once, one that is first
        written meanwhile may be left out.
        """

    def stats(self) -> StoreStats: ...

    def close(self) -> None:
        """Flush and release. Safe to call twice."""
