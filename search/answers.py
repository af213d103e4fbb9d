"""What the API answers: plain dataclasses, so that the docs show them and msgspec writes them unchecked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from freshet.events import Metadata

_encoder = msgspec.json.Encoder(decimal_format="number")
_HEADERS = {"x-content-type-options": "nosniff"}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One visible chunk. ``score`` is the cosine similarity, 1.0 at best.

    ``age_seconds`` counts from the change at the source until now; ``freshness_ms`` from that change until it could be
    found. Both are null where the source did not say when it changed.
    """

    id: str
    text: str
    score: float
    version: int
    part: int
    chunk: int
    metadata: Metadata
    tenant: str
    source: str
    indexed_at: str | None
    age_seconds: float | None
    freshness_ms: float | None
    traceparent: str


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds. ``total`` includes the wait for a free thread, not the network."""

    embed: float
    store: float
    total: float


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Best first; fewer than ``k`` where fewer match."""

    results: list[SearchResult]
    model: str
    revision: str
    took_ms: Took


@dataclass(frozen=True, slots=True)
class DocumentChunk:
    """Where a chunk lies in its document, and its text."""

    part: int
    chunk: int
    text: str


@dataclass(frozen=True, slots=True)
class HopTimes:
    """Milliseconds between two stamps; null where one of them is missing."""

    source_to_published: float | None
    published_to_embedded: float | None
    embedded_to_upserted: float | None
    total: float | None


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """A document as it can be found now. ``stamps`` are RFC 3339; ``pending_version`` is one not yet complete."""

    id: str
    version: int
    metadata: Metadata
    tenant: str
    source: str
    model: str
    revision: str
    traceparent: str
    stamps: dict[str, str]
    hops_ms: HopTimes
    pending_version: int | None
    chunks: list[DocumentChunk]


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """``version`` is null while none is complete; ``chunks`` counts those that a search can find."""

    id: str
    version: int | None
    deleted: bool
    chunks: int
    pending_version: int | None
    tenant: str
    source: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class DocumentList:
    """``next`` is what to ask for as ``after``; null on the last page."""

    documents: list[ListedDocument]
    next: str | None


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The body of every answer with a status of 400 or above."""

    error: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DeletedAnswer(ErrorAnswer):
    """The same for a document that was deleted, with the version that deleted it."""

    version: int


def json_response(answer: Any, status: int = 200) -> Response:
    return Response(_encoder.encode(answer), status, _HEADERS, media_type="application/json")
