"""What must hold of a table before it can be captured."""

from __future__ import annotations

from collections.abc import Iterator

from producers.cdc.capture import CapturedTable
from producers.cdc.catalog import TableFacts, table_facts
from producers.cdc.database import Database, identifier, qualified
from producers.cdc.finding import Finding
from producers.cdc.row_key import can_name_rows


def table_findings(database: Database, table: CapturedTable, role: str) -> Iterator[Finding]:
    """What stands for and against capturing it."""
    facts = table_facts(database, table.table)
    if facts is None:
        yield Finding(table.table, "fail", "there is no such table", "write schema.table, and check the database")
        return
    bad = [*_columns(table, facts), *_key(table, facts), *key_findings(table, facts), *_toast(table, facts)]
    if not facts.readable:
        sql = f"GRANT SELECT ON {qualified(table.table)} TO {identifier(role)}"
        bad.append(Finding(table.table, "fail", "the role may not read it", "grant it", sql))
    if facts.row_security:
        detail = "its row-level security hides rows from the role, and they would count as deleted"
        sql = f"ALTER ROLE {identifier(role)} BYPASSRLS"
        bad.append(Finding(table.table, "fail", detail, "let a superuser exempt the role", sql))
    yield from bad or [Finding(table.table, "ok", f"key {', '.join(table.key)}, replica identity {facts.identity}")]


def _columns(table: CapturedTable, facts: TableFacts) -> Iterator[Finding]:
    missing = sorted(table.columns.difference(facts.columns))
    if missing:
        there = ", ".join(facts.columns)
        yield Finding(
            table.table, "fail", f"it has no column {', '.join(missing)}", f"its columns are {there}: mend the template"
        )
    generated = sorted(
        name for name in table.content_columns if name in facts.columns and facts.columns[name].generated
    )
    if generated:
        yield Finding(
            table.table,
            "fail",
            f"{', '.join(generated)} is generated, and the log does not hold it",
            "make it in the template from the columns that it is generated from",
        )


def _key(table: CapturedTable, facts: TableFacts) -> Iterator[Finding]:
    name = qualified(table.table)
    if not facts.identity_key:
        if facts.deferrable_key:
            detail, sql = "its primary key is deferrable, and so names no row in the log", ""
            remedy = "make the key not deferrable"
        elif facts.identity == "nothing":
            detail, sql = "its replica identity is NOTHING", f"ALTER TABLE {name} REPLICA IDENTITY DEFAULT"
            remedy = "let the log name the rows that are deleted"
        else:
            detail = "it has no primary key, so that an update or a delete cannot say which document it means"
            sql = f"ALTER TABLE {name} ADD PRIMARY KEY ({', '.join(table.key)})"
            remedy = "add one, or REPLICA IDENTITY FULL and a unique index on the key"
        yield Finding(table.table, "fail", detail, remedy, sql)
        return
    absent = [column for column in table.key if column not in facts.identity_key and column in facts.columns]
    if absent:
        detail = f"the log of a delete does not hold {', '.join(absent)} of the key"
        primary = ", ".join(facts.primary_key)
        remedy = f"use --key {primary}" if primary else "make the key its replica identity"
        yield Finding(table.table, "fail", detail, remedy, f"ALTER TABLE {name} REPLICA IDENTITY FULL")
    elif not any(set(unique) <= set(table.key) for unique in facts.unique_keys):
        detail = f"nothing keeps {', '.join(table.key)} unique: two rows would be one document"
        sql = f"ALTER TABLE {name} ADD UNIQUE ({', '.join(table.key)})"
        yield Finding(table.table, "fail", detail, "add a unique constraint, or name another key", sql)


def key_findings(table: CapturedTable, facts: TableFacts) -> Iterator[Finding]:
    """A failure where the key's types do not name rows."""
    kinds = [facts.columns[column] for column in table.key if column in facts.columns]
    if unfit := [f"{one.name} ({one.type})" for one in kinds if not can_name_rows(one)]:
        detail = f"a row cannot be told from others, or found again, by {', '.join(unfit)}"
        yield Finding(table.table, "fail", detail, "name a key of numbers, text, uuid, dates, bytea, bit or enums")


def _toast(table: CapturedTable, facts: TableFacts) -> Iterator[Finding]:
    if table.toast == "full" and facts.identity != "full":
        yield Finding(
            table.table,
            "fail",
            f"toast is full, and its replica identity is {facts.identity}",
            "set it, or leave toast at reselect",
            f"ALTER TABLE {qualified(table.table)} REPLICA IDENTITY FULL",
        )
