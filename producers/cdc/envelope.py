"""A record of one of Debezium's topics as a change of one row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import msgspec

from freshet.errors import RejectedRecord
from producers.cdc import mongodb, position, values
from producers.cdc.wire import Schema, SchemaReader

Op = Literal["c", "u", "d", "r", "t"]
"""Create, update, delete, read by a snapshot, truncate."""
_IGNORED: Final = frozenset({"m"})


@dataclass(frozen=True, slots=True)
class Change:
    """``key`` has the columns of the record's key, ``before`` and ``after`` those that the log had."""

    op: Op
    table: str
    position: int
    committed_ns: int
    key: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    schema: Schema | None = None
    """Of ``after``."""

    @property
    def alive(self) -> bool:
        """Whether the row is there after it."""
        return self.op in ("c", "u", "r")

    def with_after(self, after: dict[str, Any]) -> Change:
        """The same change of a row that is known whole."""
        return replace(self, after=after)


class _Envelope(msgspec.Struct):
    op: str
    source: dict[str, Any]
    before: Any = None
    after: Any = None


_envelopes: Final = msgspec.json.Decoder(_Envelope)


class EnvelopeReader:
    """Not thread-safe."""

    def __init__(self) -> None:
        self._schemas = SchemaReader()

    def read(self, key: bytes | None, value: bytes | None) -> Change | None:
        """None for what changes no row: tombstones, heartbeats, messages. Raises RejectedRecord."""
        if value is None or not value:
            return None
        schema, payload = self._schemas.read(value)
        if "op" not in schema.fields:
            if "after" in schema.fields or "source" in schema.fields:
                raise RejectedRecord("not-an-envelope", "it has no op")
            return None
        try:
            envelope = _envelopes.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RejectedRecord("not-an-envelope", str(error)) from error
        if envelope.op in _IGNORED:
            return None
        if envelope.op not in ("c", "u", "d", "r", "t"):
            raise RejectedRecord("unknown-op", f"op {envelope.op!r}")
        source = envelope.source
        return Change(
            op=envelope.op,  # type: ignore[arg-type]
            table=position.table_of(source),
            position=position.position_of(source),
            committed_ns=position.committed_ns(source),
            key=self._key(key, source) if envelope.op != "t" else {},
            before=_row(schema, "before", envelope.before, source),
            after=_row(schema, "after", envelope.after, source),
            schema=schema.fields.get("after"),
        )

    def _key(self, raw: bytes | None, source: dict[str, Any]) -> dict[str, Any]:
        if raw is None:
            raise RejectedRecord("no-key", "a change of a row needs the row's key")
        schema, value = self._schemas.value(raw)
        if not isinstance(value, dict):
            raise RejectedRecord("no-key", "the record's key is no object")
        key = values.row(schema, value)
        return {name: mongodb.identifier(str(one)) for name, one in key.items()} if _is_mongodb(source) else key


def _is_mongodb(source: dict[str, Any]) -> bool:
    return source.get("connector") == "mongodb"


def _row(schema: Schema, name: str, value: Any, source: dict[str, Any]) -> dict[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, str) and _is_mongodb(source):
        return mongodb.document(value)
    if not isinstance(value, dict):
        raise RejectedRecord("not-an-envelope", f"{name} is no row")
    return values.row(schema.fields[name], value)
