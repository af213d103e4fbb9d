"""What the store asks the process of a shard, and how that is put into bytes (MessagePack).

Vectors travel as the bytes of their float32 numbers in the machine's order: both ends are on one machine.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, msgpack

Payload = dict[str, Any]
PointRow = tuple[str, bytes, Payload]
"""Id, vector, payload."""
HeadRow = tuple[str | None, str, Payload]
"""``replaces`` as in ``freshet.store.Head``, id, payload."""
CandidateRow = tuple[str, int, int, int, str, float]
"""Document id, version, part, chunk, text, score."""
ChunkRow = tuple[Payload, bytes]
"""Payload, vector."""


class Upsert(Struct, tag=True, array_like=True, frozen=True):
    """Answered by 0."""

    points: list[PointRow]


class Sweep(Struct, tag=True, array_like=True, frozen=True):
    """Delete the named documents' chunks of a version below the given one. Answered by their number."""

    below: dict[str, int]


class Nearest(Struct, tag=True, array_like=True, frozen=True):
    """Answered by candidates, best first. ``tags``: at least one of each list."""

    vector: bytes
    limit: int
    tags: list[list[str]]
    ef: int


class OfDocument(Struct, tag=True, array_like=True, frozen=True):
    """Answered by the chunks of one version, in any order."""

    document_id: str
    version: int


class Counts(Struct, tag=True, array_like=True, frozen=True):
    """Answered by the number of all vectors and of those in a graph."""


class PutHeads(Struct, tag=True, array_like=True, frozen=True):
    """Answered by the number of those that were not refused. At most one per document."""

    heads: list[HeadRow]


class GetHeads(Struct, tag=True, array_like=True, frozen=True):
    """Answered by the payloads of the ids that exist."""

    ids: list[str]


class ScanHeads(Struct, tag=True, array_like=True, frozen=True):
    """Answered by payloads in the order of ids, from ``start`` on."""

    start: str | None
    limit: int
    states: list[str]


class CountHeads(Struct, tag=True, array_like=True, frozen=True):
    state: str


class Put(Struct, tag=True, array_like=True, frozen=True):
    """Write one point without a vector, unconditionally."""

    id: str
    payload: Payload


class Flush(Struct, tag=True, array_like=True, frozen=True):
    """Write everything out and cut the log."""


class Close(Struct, tag=True, array_like=True, frozen=True):
    """Flush, answer and end."""


Request = (
    Upsert | Sweep | Nearest | OfDocument | Counts | PutHeads | GetHeads | ScanHeads | CountHeads | Put | Flush | Close
)


class Failure(Struct, array_like=True, frozen=True):
    """Why a request has no answer. ``kind``: usage, unavailable, system, engine, or bug."""

    kind: str
    what: str = ""
    detail: str = ""
    remedy: str = ""
    number: int = 0
    """Of the operating system's error."""


encode = msgpack.Encoder().encode
decode_request = msgpack.Decoder(Request).decode
decode_failure = msgpack.Decoder(Failure).decode
