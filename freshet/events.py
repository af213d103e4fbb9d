"""What travels on the topics: the change of a document, and one embedded chunk of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Op = Literal["upsert", "delete"]
Scalar = str | int | float | bool | None
Metadata = dict[str, Scalar | list[Scalar]]

Version = Annotated[
    int,
    Meta(ge=0, le=2**63 - 1, description="Grows with each change of this id at its source: LSN, mtime, sequence."),
]
Index = Annotated[int, Meta(ge=0, le=2**31 - 1)]

MAX_TEXT_CHARS = 256_000
"""Longer texts travel as several parts, so that no record nears the broker's limit of 1 MB."""
MAX_METADATA_BYTES = 32_768
CANARY_SOURCE: Final = "freshet-canary"
"""The source of a canary's documents: a search shows them only where it asks for this source."""


class DocumentEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one document, the value on ``documents``. The record's key is ``id``.

    A text too long for one record is split into parts: the same id and version, ``part`` 0, 1, 2 …, and ``last``
    false on all but the final one. The new version becomes searchable when every part has arrived.
    """

    id: Annotated[str, Meta(min_length=1, max_length=512, description="Names the document; also the record's key.")]
    op: Op
    version: Version
    text: Annotated[str, Meta(max_length=MAX_TEXT_CHARS)] | None = None
    metadata: Metadata = {}
    tenant: Annotated[str, Meta(max_length=256)] = ""
    source: Annotated[str, Meta(max_length=256, description="Which producer, for example files or postgres.")] = ""
    occurred_at: Annotated[datetime, Meta(tz=True, description="When it changed at its source, RFC 3339.")] | None = (
        None
    )
    part: Annotated[int, Meta(ge=0, le=2**31 - 1, description="0 unless a long text is split.")] = 0
    last: Annotated[bool, Meta(description="Whether this is the version's final part.")] = True


class EmbeddingRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One chunk with its vector, or a delete, the value on ``vector-embeddings``.

    A part with no text to embed (an empty file) is one record with ``chunks`` 0 and no vector. A version is complete
    when parts 0 to the ``last`` one each have all their ``chunks``.
    """

    id: str
    op: Op
    version: Version
    part: Index = 0
    last: bool = True
    chunk: Index = 0
    chunks: Index = 0
    text: str = ""
    vector: bytes = b""
    """Little-endian float32, L2-normalised, ``4 * dimension`` bytes (base64 in JSON)."""
    metadata: Metadata = {}
    tenant: str = ""
    source: str = ""
    occurred_at: datetime | None = None
    model: str = ""
    revision: str = ""
