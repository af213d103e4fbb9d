"""How a row is found again by what a change, or a read, says of its key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from freshet.errors import RejectedRecord
from producers.cdc.catalog import Column
from producers.cdc.database import literal

_YEAR: Final = re.compile(r"(-?\d{4,})(-.*)", re.DOTALL)
_AS_WRITTEN: Final = frozenset({
    "bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text", "varchar", "bpchar", "name",
    "citext", "uuid", "time", "interval", "inet", "cidr", "macaddr", "macaddr8",
})  # fmt: skip
"""PostgreSQL reads the value as it is."""
_AS_WRITTEN_KINDS: Final = frozenset({"e", "r"})
"""Enums and ranges."""
_OTHERWISE: Final[dict[str, Callable[[Any], str]]] = {
    "bytea": lambda value: f"decode({literal(value)}, 'hex')",
    "bit": lambda value: f"B'{int(value)}'" if isinstance(value, bool) else literal(value),
    "money": lambda value: f"{literal(value)}::numeric::money",
    "date": lambda value: literal(_moment(value)),
    "timestamp": lambda value: literal(_moment(value)),
    "timestamptz": lambda value: literal(_moment(value)),
}


def can_name_rows(column: Column) -> bool:
    """Whether the log's form of its values tells two of them apart, and PostgreSQL finds a row by it.

    Of a varbit the log loses the zeros in front, of a timetz the zone; JSON and arrays have more than one form.
    """
    return column.type in _AS_WRITTEN or column.kind in _AS_WRITTEN_KINDS or column.type in _OTHERWISE


def equals(name: str, column: Column, value: Any) -> str:
    """The SQL condition on the column, which is called ``name`` there. Raises RejectedRecord where none can be had."""
    if not can_name_rows(column):
        raise RejectedRecord("unsupported-key", f"a row cannot be found by its {column.name}, which is {column.type}")
    if value is None:
        return f"{name} IS NULL"
    return f"{name} = {_OTHERWISE.get(column.type, _text)(value)}"


def _text(value: Any) -> str:
    return f"'{str(value).lower()}'" if isinstance(value, bool) else str(literal(str(value)))


def _moment(value: str) -> str:
    """ISO's year 0 and those below are years before Christ to PostgreSQL."""
    found = _YEAR.fullmatch(value)
    if found is None or int(found[1]) > 0:
        return value
    rest = found[2].replace("T", " ").replace("Z", "+00")
    return f"{1 - int(found[1]):04d}{rest} BC"
