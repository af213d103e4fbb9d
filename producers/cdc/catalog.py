"""What PostgreSQL's catalog says of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from producers.cdc.database import Database

Identity = Literal["default", "nothing", "full", "index"]
_IDENTITIES: dict[str, Identity] = {"d": "default", "n": "nothing", "f": "full", "i": "index"}
_TEXT_TYPES = frozenset({"text", "varchar", "bpchar", "citext", "name"})
_KINDS = ("r", "p")
"""Ordinary tables and partitioned ones."""


@dataclass(frozen=True, slots=True)
class Column:
    """``type`` is PostgreSQL's internal name, an array's with a leading underscore. A domain is what it is over."""

    name: str
    type: str
    kind: str
    """As in ``pg_type.typtype``: b for base types and arrays, e for enums, r for ranges, c for rows."""
    length: int
    """Of bit types; -1 without one."""
    generated: bool
    """Computed from others, and in no log."""

    @property
    def is_text(self) -> bool:
        return self.type in _TEXT_TYPES


@dataclass(frozen=True, slots=True)
class TableFacts:
    """``identity_key`` are the columns by which the log names a row that is deleted; empty where it cannot.
    ``row_security`` is whether a policy would hide rows from the role.
    """

    columns: Mapping[str, Column]
    primary_key: tuple[str, ...]
    deferrable_key: bool
    identity: Identity
    identity_key: tuple[str, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    owned: bool
    readable: bool
    row_security: bool


def table_facts(database: Database, table: str) -> TableFacts | None:
    """None where there is no such table. Blocks for a few queries."""
    schema, _, name = table.partition(".")
    found = database.run(
        """SELECT c.oid, c.relkind, c.relreplident, pg_has_role(c.relowner, 'USAGE'),
                  has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid)
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = :schema AND c.relname = :name""",
        schema=schema,
        name=name,
    )
    if not found or found[0][1] not in _KINDS:
        return None
    oid, _, identity, owned, readable, row_security = found[0]
    columns = {
        row[0]: Column(*row)
        for row in database.run(
            # A domain's values are those of what it is over, in the log too.
            """WITH RECURSIVE plain (number, name, type, length, generated) AS (
                   SELECT attnum, attname, atttypid, atttypmod, attgenerated <> '' FROM pg_attribute
                   WHERE attrelid = :oid AND attnum > 0 AND NOT attisdropped
                 UNION ALL
                   SELECT number, name, typbasetype, typtypmod, generated
                   FROM plain JOIN pg_type t ON t.oid = plain.type WHERE t.typtype = 'd')
               SELECT name, t.typname, t.typtype::text, length, generated
               FROM plain JOIN pg_type t ON t.oid = plain.type WHERE t.typtype <> 'd' ORDER BY number""",
            oid=oid,
        )
    }
    indexes = database.run(
        """SELECT i.indisprimary, i.indisreplident, i.indimmediate,
                  array(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place)
                        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                        WHERE k.place <= i.indnkeyatts ORDER BY k.place)
           FROM pg_index i
           WHERE i.indrelid = :oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL""",
        oid=oid,
    )
    primary = next((tuple(row[3]) for row in indexes if row[0]), ())
    deferrable = any(row[0] and not row[2] for row in indexes)
    named = _IDENTITIES[identity]
    by_index = next((tuple(row[3]) for row in indexes if row[1]), ())
    identity_key = {
        "default": () if deferrable else primary,
        "index": by_index,
        "full": tuple(columns),
        "nothing": (),
    }[named]
    unique = tuple(tuple(row[3]) for row in indexes if row[2])
    return TableFacts(columns, primary, deferrable, named, identity_key, unique, owned, readable, row_security)


def tables_with_key(database: Database) -> list[str]:
    """Every table outside the system's schemas that has a primary key."""
    rows = database.run(
        """SELECT n.nspname || '.' || c.relname
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
             AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
           ORDER BY 1"""
    )
    return [row[0] for row in rows]
