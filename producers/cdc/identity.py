"""A row's document id: stable for as long as its key is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from freshet.errors import RejectedRecord
from freshet.ids import MAX_ID_BYTES

SEPARATOR: Final = "/"
_HASHED: Final = "~"


def document_id(capture: str, table: str, key: Sequence[Any]) -> str:
    """``capture/schema.table/value``, with each further column of the key behind a slash.

    What would be ambiguous or unprintable is percent-encoded; a key too long for an id is replaced by its hash.
    """
    if any(value is None for value in key):
        raise RejectedRecord("invalid-key", f"a column of the key of {table} is NULL")
    parts = [_escaped(_text(value)) for value in key]
    name = prefix(capture, table) + SEPARATOR.join(parts)
    if len(name.encode()) <= MAX_ID_BYTES:
        return name
    digest = hashlib.blake2b(SEPARATOR.join(parts).encode(), digest_size=16).hexdigest()
    return f"{prefix(capture, table)}{_HASHED}{digest}"


def prefix(capture: str, table: str) -> str:
    """What the ids of all documents of a table begin with."""
    return f"{capture}{SEPARATOR}{_escaped(table)}{SEPARATOR}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _escaped(text: str) -> str:
    if not text:
        return "%"
    return "".join(
        character
        if character.isprintable() and character not in "%/~"
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
        for character in text
    )
