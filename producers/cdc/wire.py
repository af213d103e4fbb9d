"""Kafka Connect's JSON: a value beside the schema that says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from freshet.errors import RejectedRecord

_KNOWN_SCHEMAS: Final = 512


@dataclass(frozen=True, slots=True)
class Schema:
    """``logical`` is the meaning that Debezium gives to a plain type, for example io.debezium.data.Json."""

    type: str
    logical: str = ""
    fields: Mapping[str, Schema] = field(default_factory=dict)
    items: Schema | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


class _Message(msgspec.Struct):
    schema: msgspec.Raw
    payload: msgspec.Raw


_messages: Final = msgspec.json.Decoder(_Message)


class SchemaReader:
    """Splits messages. A schema comes with every record and rarely differs: each is parsed once. Not thread-safe."""

    def __init__(self) -> None:
        self._known: dict[bytes, Schema] = {}

    def read(self, raw: bytes) -> tuple[Schema, msgspec.Raw]:
        """Schema and payload, which is not decoded yet. Raises RejectedRecord."""
        try:
            message = _messages.decode(raw)
            written = bytes(message.schema)
            if (schema := self._known.get(written)) is None:
                if len(self._known) >= _KNOWN_SCHEMAS:
                    self._known.clear()
                schema = self._known[written] = _schema(msgspec.json.decode(written))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError) as error:
            raise RejectedRecord(
                "not-an-envelope", f"{error}; the converter must be JSON with schemas.enable=true"
            ) from error
        return schema, message.payload

    def value(self, raw: bytes) -> tuple[Schema, Any]:
        """The same with the payload decoded."""
        schema, payload = self.read(raw)
        try:
            return schema, msgspec.json.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RejectedRecord("not-an-envelope", str(error)) from error


def _schema(written: Any) -> Schema:
    if written is None:
        return Schema("null")
    items = written.get("items")
    return Schema(
        written["type"],
        written.get("name") or "",
        {one["field"]: _schema(one) for one in written.get("fields", ())},
        None if items is None else _schema(items),
        written.get("parameters") or {},
    )
