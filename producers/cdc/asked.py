"""A capture from the options of ``freshet cdc add``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from freshet.errors import UsageError
from producers.cdc.capture import Capture, parse_capture
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database
from producers.cdc.existing import default_table, proposed
from producers.cdc.password import with_password


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
    """With what the options leave open taken from the database. ``before`` keeps all that is not asked for: its other
    tables, its epoch, its connector's properties. Blocks; raises UsageError where an option does not fit.
    """
    asked = with_password(parse_capture({"name": name, "url": url}, "the command"), before)
    capture = asked if before is None else before.model_copy(update={"url": asked.url, "password": asked.password})
    if not tables:
        if key or text or metadata or tenant:
            raise UsageError(
                "which table do these options mean?", "--table is missing", "name it: --table schema.table"
            )
        return proposed(capture)
    with Database(capture) as database:
        added = [_table(database, one, key, text, metadata, tenant, toast) for one in dict.fromkeys(tables)]
    kept = [one.model_dump() for one in capture.tables if one.table not in tables]
    return parse_capture(
        {**capture.model_dump(exclude={"password"}), "password": capture.password, "tables": [*kept, *added]},
        "the command",
    )


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
