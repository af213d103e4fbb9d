"""Twenty kinds of records on ``documents`` that no stage can use, each with the reason of its dead letter."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Poison:
    """``number`` counts them within one load."""

    number: int
    kind: str
    reason: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = field(default=())


def _event(document_id: str, **changed: Any) -> dict[str, Any]:
    return {"id": document_id, "op": "upsert", "version": 1, "text": "poison", **changed}


def _without(document_id: str, name: str) -> dict[str, Any]:
    return {key: value for key, value in _event(document_id).items() if key != name}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


_KINDS: dict[str, tuple[str, Callable[[str], bytes | None]]] = {
    "no value": ("empty-record", lambda name: None),
    "empty value": ("empty-record", lambda name: b""),
    "random bytes": ("not-json", lambda name: bytes(range(128, 256))),
    "half of a JSON object": ("not-json", lambda name: _json(_event(name))[:-9]),
    "not UTF-8 within a string": ("not-json", lambda name: _json(_event(name)).replace(b"poison", b"\xff\xfe")),
    "ten thousand open brackets": ("not-json", lambda name: b'{"more":' + b"[" * 10_000),
    "XML": ("not-json", lambda name: b"<event id='1'/>"),
    "a JSON array": ("invalid-field", lambda name: _json([_event(name)])),
    "null": ("invalid-field", lambda name: b"null"),
    "no id": ("invalid-field", lambda name: _json(_without(name, "id"))),
    "no version": ("invalid-field", lambda name: _json(_without(name, "version"))),
    "version as text": ("invalid-field", lambda name: _json(_event(name, version="7"))),
    "negative version": ("invalid-field", lambda name: _json(_event(name, version=-1))),
    "version beyond 64 bits": ("invalid-field", lambda name: _json(_event(name, version=2**63))),
    "unknown op": ("invalid-field", lambda name: _json(_event(name, op="merge"))),
    "metadata of objects": ("invalid-field", lambda name: _json(_event(name, metadata={"a": {"b": 1}}))),
    "upsert without a text": ("missing-text", lambda name: _json(_without(name, "text"))),
    "delete in parts": ("invalid-field", lambda name: _json(_event(name, op="delete", part=1))),
    "control characters in the id": ("invalid-id", lambda name: _json(_event(name + "\x00\x1b"))),
    "key of another document": ("key-mismatch", lambda name: _json(_event(name + "-other"))),
}
KINDS = tuple(_KINDS)


def poison(number: int, prefix: str) -> Poison:
    """The kinds in turn."""
    kind = KINDS[number % len(KINDS)]
    reason, make = _KINDS[kind]
    document_id = f"{prefix}/poison-{number}"
    value = make(document_id)
    key = f"{document_id}\x00\x1b" if reason == "invalid-id" else document_id
    return Poison(number, kind, reason, key.encode(), value)
