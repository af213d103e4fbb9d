"""A capture from the options of ``freshet cdc add``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from freshet.errors import UsageError
from producers.cdc.capture import Capture, parse_capture
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database
from producers.cdc.existing import default_table, proposed


def asked_capture(
    url: str,
    name: str,
    tables: Sequence[str],
    key: str,
    text: str,
    metadata: str,
    tenant: str,
    toast: str,
    before: Capture | None = None,
) -> Capture:
    """With what the options leave open taken from the database. ``before`` keeps its other tables. Blocks; raises
    UsageError where an option does not fit.
    """
    base: dict[str, Any] = {"name": name, "url": url}
    if password := os.environ.get("PGPASSWORD"):
        base["password"] = password
    capture = parse_capture(base, "the command")
    if not tables:
        if key or text or metadata or tenant:
            raise UsageError(
                "which table do these options mean?", "--table is missing", "name it: --table schema.table"
            )
        return proposed(capture)
    with Database(capture) as database:
        added = [_table(database, one, key, text, metadata, tenant, toast) for one in tables]
    kept = [] if before is None else [one.model_dump() for one in before.tables if one.table not in tables]
    more = {} if before is None else before.model_dump(include={"epoch", "resync", "connector", "outbox"})
    return parse_capture({**base, **more, "tables": [*kept, *added]}, "the command")


def _table(
    database: Database, table: str, key: str, text: str, metadata: str, tenant: str, toast: str
) -> dict[str, Any]:
    facts = table_facts(database, table)
    if facts is None:
        raise UsageError(f"there is no table {table}", "", "write schema.table, and check the database")
    columns = _list(key) or facts.primary_key
    if not columns:
        raise UsageError(
            f"{table} has no primary key",
            "an update or a delete could not say which document it means",
            f"ALTER TABLE {table} ADD PRIMARY KEY (…), or REPLICA IDENTITY FULL and --key with a unique column",
        )
    if not text:
        default = default_table(table, facts)
        if default is None:
            raise UsageError(f"{table} has no column of text", "", "give a template with --text")
        text = default.text
    return {
        "table": table,
        "key": columns,
        "text": text.replace("\\n", "\n"),
        "metadata": _list(metadata),
        "tenant": tenant or None,
        "toast": toast,
    }


def _list(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())
