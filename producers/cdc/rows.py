"""Rows read from a table itself, with the values that its changes would have through Debezium."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from producers.cdc import values
from producers.cdc.capture import CapturedTable
from producers.cdc.catalog import Column, TableFacts
from producers.cdc.database import Database, literal, qualified
from producers.cdc.version import parse_lsn

PAGE_ROWS: Final = 500

_AS_TEXT: Final = "{0}::text"
_EXPRESSIONS: Final = {
    "bool": "{0}",
    "bpchar": "{0}",
    "int2": "{0}",
    "int4": "{0}",
    "int8": "{0}",
    "oid": "{0}::bigint",
    "float4": "{0}",
    "float8": "{0}",
    "json": "{0}",
    "jsonb": "{0}",
    "money": "{0}::numeric::text",
    "bytea": "encode({0}, 'hex')",
    "timetz": "({0} AT TIME ZONE 'UTC')::time::text || 'Z'",
    "varbit": "ltrim({0}::text, '0')",
    "hstore": "hstore_to_json({0})",
}
"""SQL for a value, before it becomes JSON; the rest is text."""
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "float4": lambda value: value if isinstance(value, str) else float(value),
    "float8": lambda value: value if isinstance(value, str) else float(value),
    "date": lambda value: values.iso(value, "date"),
    "timestamp": lambda value: values.iso(value, "time"),
    "timestamptz": lambda value: _zoned(value),
    "time": values.short,
    "timetz": values.short,
    "interval": values.duration,
}


class TableReader:
    """Reads by key, in pages, each of its own short transaction. Not thread-safe."""

    def __init__(self, database: Database, table: CapturedTable, facts: TableFacts) -> None:
        self._database = database
        self._table = table
        self._columns = {name: facts.columns[name] for name in sorted(table.columns) if name in facts.columns}
        shown = ", ".join(f"{literal(name)}, {_expression(column)}" for name, column in self._columns.items())
        keys = ", ".join(qualified_column(name) for name in table.key)
        self._order = keys
        self._select = f"SELECT json_build_object({shown})::text, json_build_array({_as_texts(table)})::text"
        self._from = f"FROM {qualified(table.table)} AS t"

    def pages(self, after: Sequence[str] | None = None, size: int = PAGE_ROWS) -> Iterator[list[Row]]:
        """In the order of the key, from behind ``after``, a key as text."""
        while True:
            where = ""
            if after is not None:
                there = ", ".join(literal(one) for one in after)
                where = f"WHERE ({self._order}) > ({there})"
            found = self._database.run(f"{self._select} {self._from} {where} ORDER BY {self._order} LIMIT {size}")
            if not found:
                return
            page = [self._row(one) for one in found]
            yield page
            if len(page) < size:
                return
            after = page[-1].place

    def by_key(self, key: Sequence[Any]) -> dict[str, Any] | None:
        """The row as it is now; None where it is gone. ``key`` as Debezium has it."""
        match = " AND ".join(
            f"{qualified_column(name)} = {literal(_text(one))}" for name, one in zip(self._table.key, key, strict=True)
        )
        found = self._database.run(f"{self._select} {self._from} WHERE {match}")
        return self._row(found[0]).values if found else None

    def count(self) -> int:
        return int(self._database.one(f"SELECT count(*) {self._from}"))

    def log_end(self) -> int:
        """Where the log ends now."""
        return parse_lsn(str(self._database.one("SELECT pg_current_wal_insert_lsn()::text")))

    def _row(self, found: Sequence[Any]) -> Row:
        decoded = msgspec.json.decode(found[0])
        plain = {name: read(self._columns[name], value) for name, value in decoded.items()}
        return Row(plain, tuple(msgspec.json.decode(found[1])))


class Row(msgspec.Struct, frozen=True):
    """``place`` is its key as text, for reading on from there."""

    values: dict[str, Any]
    place: tuple[str, ...]


def read(column: Column, value: Any) -> Any:
    """A value out of the JSON that the expressions give, as ``values.plain`` would have it."""
    if value is None:
        return None
    if column.type.startswith("_"):
        element = column.type[1:]
        return [None if one is None else _READERS.get(element, _same)(one) for one in value]
    return _READERS.get(column.type, _same)(value)


def qualified_column(name: str) -> str:
    return 't."' + name.replace('"', '""') + '"'


def _expression(column: Column) -> str:
    name = qualified_column(column.name)
    if column.type.startswith("_"):
        inner = _EXPRESSIONS.get(column.type[1:], _AS_TEXT).format("one")
        listed = f"(SELECT json_agg({inner} ORDER BY place) FROM unnest({name}) WITH ORDINALITY AS u(one, place))"
        return f"CASE WHEN {name} IS NULL THEN NULL ELSE coalesce({listed}, '[]'::json) END"
    if column.type == "bit" and column.length == 1:
        return f"{name} = B'1'"
    return _EXPRESSIONS.get(column.type, _AS_TEXT).format(name)


def _as_texts(table: CapturedTable) -> str:
    return ", ".join(f"{qualified_column(name)}::text" for name in table.key)


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _zoned(value: str) -> str:
    era = " BC" if value.endswith(" BC") else ""
    bare = value.removesuffix(" BC").removesuffix("+00")
    found = values.iso(bare + era, "time")
    return found if found.endswith("infinity") else f"{found}Z"
