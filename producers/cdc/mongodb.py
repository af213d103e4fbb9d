"""MongoDB's documents in Debezium's envelopes: extended JSON in one string."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import msgspec

from freshet.errors import RejectedRecord


def document(text: str) -> dict[str, Any]:
    """Plain values in place of extended JSON's wrappers. Raises RejectedRecord."""
    try:
        found = _plain(msgspec.json.decode(text))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, TypeError) as error:
        raise RejectedRecord("invalid-value", f"no extended JSON: {error}") from error
    if not isinstance(found, dict):
        raise RejectedRecord("invalid-value", "the document is no object")
    return found


def identifier(text: str) -> Any:
    """The ``id`` of a record's key: extended JSON of the document's ``_id``."""
    try:
        return _plain(msgspec.json.decode(text))
    except (msgspec.MsgspecError, RecursionError):
        return text


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, inner),) = value.items()
        if name in ("$oid", "$numberDecimal", "$symbol", "$uuid"):
            return str(inner)
        if name in ("$numberLong", "$numberInt"):
            return int(inner)
        if name == "$numberDouble":
            return float(inner) if inner not in ("NaN", "Infinity", "-Infinity") else inner
        if name == "$date":
            return _moment(inner)
    if value.keys() == {"$binary"}:
        return value["$binary"]["base64"]
    return {name: _plain(one) for name, one in value.items()}


def _moment(value: Any) -> str:
    value = _plain(value)
    if isinstance(value, str):
        return value
    return datetime.fromtimestamp(value / 1000, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
