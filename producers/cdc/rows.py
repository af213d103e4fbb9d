"""Rows read from a table itself, with the values that its changes would have through Debezium."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from freshet.errors import RejectedRecord, UsageError
from producers.cdc import values
from producers.cdc.capture import CapturedTable
from producers.cdc.catalog import Column, TableFacts
from producers.cdc.database import Database, identifier, literal, qualified, quoted
from producers.cdc.row_key import equals
from producers.cdc.values import LONGEST_BITS
from producers.cdc.version import parse_lsn

PAGE_ROWS: Final = 500
PAGE_SECONDS: Final = 600.0
"""A page of a large table by an index that is not its key's."""

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
    "hstore": "hstore_to_json({0})",
}
"""SQL for a value, before it becomes JSON; the rest is text."""
_NO_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})
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
        """Raises UsageError where a column of the key is not there."""
        if missing := [name for name in table.key if name not in facts.columns]:
            raise UsageError(f"{table.table} has no column {', '.join(missing)}", "it is in the key", "mend the key")
        self._database = database
        self._table = table
        self._columns = {name: facts.columns[name] for name in sorted(table.columns) if name in facts.columns}
        self._order = ", ".join(qualified_column(name) for name in table.key)
        # Not json_build_object, which takes 50 columns and no more.
        shown = ", ".join(f"{_expression(one)} AS {identifier(name)}" for name, one in self._columns.items())
        keys = ", ".join(_expression(self._columns[name]) for name in table.key)
        texts = ", ".join(f"{qualified_column(name)}::text" for name in table.key)
        self._select = (
            f"SELECT (SELECT row_to_json(r.*) FROM (SELECT {shown}) AS r)::text, "
            f"json_build_array({keys})::text, json_build_array({texts})::text"
        )
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

    def row_of(self, key: Sequence[Any]) -> Row | None:
        """The row as it is now; None where it is gone. ``key`` as Debezium has it. Raises RejectedRecord where no row
        can be found by such a key.
        """
        match = " AND ".join(
            equals(qualified_column(name), self._columns[name], one)
            for name, one in zip(self._table.key, key, strict=True)
        )
        found = self._database.run(f"{self._select} {self._from} WHERE {match}")
        return self._row(found[0]) if found else None

    def by_key(self, key: Sequence[Any]) -> dict[str, Any] | None:
        """The same row's values. Raises RejectedRecord also where they cannot be read."""
        row = self.row_of(key)
        return None if row is None else row.values

    def log_end(self) -> int:
        """Where the log ends now."""
        return parse_lsn(str(self._database.one("SELECT pg_current_wal_insert_lsn()::text")))

    def _row(self, found: Sequence[Any]) -> Row:
        whole, keys, texts = found
        named = zip(self._table.key, msgspec.json.decode(keys), strict=True)
        key = tuple(read(self._columns[name], value) for name, value in named)
        return Row(key, tuple(msgspec.json.decode(texts)), self._values(whole))

    def _values(self, whole: str) -> dict[str, Any] | RejectedRecord:
        try:
            decoded = msgspec.json.decode(whole)
            return {name: read(self._columns[name], value) for name, value in decoded.items()}
        except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
            return RejectedRecord("invalid-value", f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class Row:
    """``key`` as Debezium has it, ``place`` the same as text, for reading on from there."""

    key: tuple[Any, ...]
    place: tuple[str, ...]
    _found: dict[str, Any] | RejectedRecord

    @property
    def values(self) -> dict[str, Any]:
        """Raises RejectedRecord where a value cannot be read, such as JSON without end."""
        if isinstance(self._found, RejectedRecord):
            raise self._found
        return self._found


def read(column: Column, value: Any) -> Any:
    """A value out of the JSON that the expressions give, as ``values.plain`` would have it."""
    if value is None:
        return None
    if column.type.startswith("_"):
        element = column.type[1:]
        if element == "numeric" and not _NO_NUMBERS.isdisjoint(value):
            # So it is in the log, all of it.
            return None
        return [None if one is None else _READERS.get(element, _same)(one) for one in value]
    return _READERS.get(column.type, _same)(value)


def qualified_column(name: str) -> str:
    return f"t.{quoted(name)}"


def _expression(column: Column) -> str:
    name = qualified_column(column.name)
    if column.type.startswith("_"):
        inner = _plain(column.type[1:], column.length).format("one")
        listed = f"(SELECT json_agg({inner} ORDER BY place) FROM unnest({name}) WITH ORDINALITY AS u(one, place))"
        return f"CASE WHEN {name} IS NULL THEN NULL ELSE coalesce({listed}, '[]'::json) END"
    if column.type in ("bit", "varbit") and column.length == 1:
        return f"{name} = B'1'"
    return _plain(column.type, column.length).format(name)


def _plain(type_name: str, length: int) -> str:
    if type_name != "varbit":
        return _EXPRESSIONS.get(type_name, _AS_TEXT)
    # The log does not have its own length, but that of its type.
    bare = "ltrim({0}::text, '0')"
    return f"lpad({bare}, {length}, '0')" if 0 < length < LONGEST_BITS else bare


def _same(value: Any) -> Any:
    return value


def _zoned(value: str) -> str:
    era = " BC" if value.endswith(" BC") else ""
    bare = value.removesuffix(" BC").removesuffix("+00")
    found = values.iso(bare + era, "time")
    return found if found.endswith("infinity") else f"{found}Z"
