"""Values as Debezium sends them, as text templates and metadata show them: each as PostgreSQL itself would write it.

| PostgreSQL | here |
| --- | --- |
| boolean, smallint … bigint, real, double precision | boolean, number; NaN and the infinities are strings |
| numeric, money | string of its digits |
| date, time, timestamp | ISO 8601 without a zone |
| timestamptz, timetz | ISO 8601 in UTC, ending in Z |
| interval | ISO 8601 duration |
| json, jsonb, hstore | what it holds |
| bytea | hexadecimal digits |
| bit(1) | boolean; longer ones are strings of 0 and 1 |
| arrays | lists |
| point | (x,y) |
| text, enum, uuid, inet, ranges, tsvector and all others | string |
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from freshet.errors import RejectedRecord
from producers.cdc.connector import PLACEHOLDER
from producers.cdc.wire import Schema

LONGEST_BITS: Final = 1 << 20
"""A string of bits whose type allows more comes without its zeros in front."""
_BYTES: Final = PLACEHOLDER.encode()
_UNCHANGED_FORMS: Final = (PLACEHOLDER, _BYTES.hex(), base64.b64encode(_BYTES).decode())
_SOURCE_TYPE: Final = "__debezium.source.column.type"
_NO_NUMBERS: Final = {"NAN": "NaN", "POSITIVE_INFINITY": "Infinity", "NEGATIVE_INFINITY": "-Infinity"}
_LAST_YEAR: Final = {"date": 5_874_897, "time": 294_276}
_FIRST_YEAR: Final = -4_713
_FRACTION: Final = re.compile(r"(\.\d*?)0+(?=$|Z|[+-])")
_YEAR: Final = re.compile(r"([+-]?\d{4,})-(.*)", re.DOTALL)
_INTERVAL_FIELD: Final = re.compile(r"(-?\d+(?:\.\d+)?)([YMDHS])")


class Unchanged(Enum):
    """Stands where a large column's value was not in the log, as it did not change."""

    VALUE = "unchanged"


UNCHANGED: Final = Unchanged.VALUE


def row(schema: Schema, value: Mapping[str, Any]) -> dict[str, Any | Literal[Unchanged.VALUE]]:
    """Every column of a before or after. Raises RejectedRecord for a value that is not what its schema says."""
    try:
        return {name: plain(schema.fields[name], one) for name, one in value.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, msgspec.MsgspecError) as error:
        raise RejectedRecord("invalid-value", f"{type(error).__name__}: {error}") from error


def plain(schema: Schema, value: Any) -> Any:
    """One value; UNCHANGED for Debezium's placeholder, in whatever form the column's type gives it."""
    if value is None:
        return None
    if _is_placeholder(schema, value):
        return UNCHANGED
    if schema.logical in _LOGICAL:
        return _LOGICAL[schema.logical](value, schema)
    if schema.items is not None and isinstance(value, list):
        return [plain(schema.items, one) for one in value]
    if isinstance(value, str) and schema.parameters.get(_SOURCE_TYPE) == "NUMERIC":
        return _NO_NUMBERS.get(value, value)
    return value


def iso(text: str, kind: Literal["date", "time"]) -> str:
    """A date or timestamp in one form: no superfluous zeros, years before 1 as ISO has them, infinity by its name."""
    text = text.replace(" ", "T", 1) if kind == "time" and not text.endswith("infinity") else text
    if text.endswith(" BC"):
        before, rest = text[:-3].split("-", 1)
        text = f"{1 - int(before):05d}-{rest}" if int(before) > 1 else f"0000-{rest}"
    if (found := _YEAR.match(text)) is not None:
        year = int(found[1])
        if year > _LAST_YEAR[kind]:
            return "infinity"
        if year < _FIRST_YEAR:
            return "-infinity"
    return short(text.removeprefix("+"))


def short(text: str) -> str:
    """Without zeros at the end of a fraction of a second."""
    return _FRACTION.sub(lambda found: "" if found[1] == "." else found[1], text)


def duration(text: str) -> str:
    """An interval without the fields that are 0."""
    date, _, time = text.partition("T")
    kept = [
        "".join(f"{_digits(number)}{unit}" for number, unit in _INTERVAL_FIELD.findall(part) if float(number))
        for part in (date, time)
    ]
    joined = "P" + kept[0] + (f"T{kept[1]}" if kept[1] else "")
    return "PT0S" if joined == "P" else joined


def _digits(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _is_placeholder(schema: Schema, value: Any) -> bool:
    if isinstance(value, str):
        return value in _UNCHANGED_FORMS or (
            schema.logical == "io.debezium.data.Json" and PLACEHOLDER in value and _only_placeholder(value)
        )
    if isinstance(value, list) and value:
        return value in ([PLACEHOLDER], list(_BYTES), [str(UUID(bytes=_java_name(_BYTES)))])
    return isinstance(value, dict) and list(value) == [PLACEHOLDER]


def _only_placeholder(text: str) -> bool:
    try:
        found = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return False
    return found in (PLACEHOLDER, {PLACEHOLDER: PLACEHOLDER})


def _java_name(name: bytes) -> bytes:
    """UUID.nameUUIDFromBytes of Java's."""
    digest = bytearray(hashlib.md5(name, usedforsecurity=False).digest())
    digest[6] = (digest[6] & 0x0F) | 0x30
    digest[8] = (digest[8] & 0x3F) | 0x80
    return bytes(digest)


def _json(value: Any, _schema: Schema) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str) else value


def _bits(value: str, schema: Schema) -> str:
    number = int.from_bytes(base64.b64decode(value), "little")
    length = int(schema.parameters.get("length") or 0)
    return format(number, "b").zfill(length) if 0 < length < LONGEST_BITS else format(number, "b").lstrip("0")


def _point(value: Mapping[str, Any], _schema: Schema) -> str:
    return f"({value['x']:.17g},{value['y']:.17g})"


_LOGICAL: Final[dict[str, Callable[[Any, Schema], Any]]] = {
    "io.debezium.data.Json": _json,
    "io.debezium.data.Bits": _bits,
    "io.debezium.data.geometry.Point": _point,
    "io.debezium.time.IsoDate": lambda value, schema: iso(value.removesuffix("Z"), "date"),
    "io.debezium.time.IsoTime": lambda value, schema: short(value.removesuffix("Z")),
    "io.debezium.time.IsoTimestamp": lambda value, schema: iso(value.removesuffix("Z"), "time"),
    "io.debezium.time.ZonedTimestamp": lambda value, schema: iso(value, "time"),
    "io.debezium.time.ZonedTime": lambda value, schema: short(value),
    "io.debezium.time.Interval": lambda value, schema: duration(value),
}
