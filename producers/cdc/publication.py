"""The publication of a capture: which tables' changes the slot tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from freshet.errors import UsageError
from producers.cdc.capture import Capture
from producers.cdc.catalog import table_facts
from producers.cdc.checks import Finding
from producers.cdc.database import Database, identifier, qualified


def publication_sql(capture: Capture) -> str:
    """What makes the publication, for somebody who owns the tables."""
    tables = ", ".join(qualified(table) for table in capture.captured)
    return f"CREATE PUBLICATION {identifier(capture.slot)} FOR TABLE {tables} WITH (publish_via_partition_root = true)"


def unpublished(database: Database, capture: Capture) -> tuple[str, ...]:
    """Tables of the capture whose changes the publication does not tell; all where there is none."""
    there = _published(database, capture)
    return tuple(table for table in capture.captured if qualified(table) not in there)


def ensure_publication(database: Database, capture: Capture) -> bool:
    """Create it, or set its tables; True where something was changed. Raises UsageError where the role may not."""
    if not _exists(database, capture):
        _run(database, publication_sql(capture))
        return True
    wanted = {qualified(table) for table in capture.captured}
    there = _published(database, capture)
    # Somebody else's may have more tables, or all.
    if there == wanted or (wanted < there and not _owned(database, capture)):
        return False
    _run(database, f"ALTER PUBLICATION {identifier(capture.slot)} SET TABLE {', '.join(sorted(wanted))}")
    return True


def widen_publication(database: Database, capture: Capture) -> bool:
    """Create it, or add the tables that it lacks, and take none away: a command may be adding others. True where
    something was changed. Raises UsageError where the role may not.
    """
    if not _exists(database, capture):
        return ensure_publication(database, capture)
    # One that was renamed is told by the slot's health.
    absent = [table for table in unpublished(database, capture) if table_facts(database, table) is not None]
    if absent:
        _run(database, _widening_sql(capture, absent))
    return bool(absent)


def drop_publication(database: Database, capture: Capture) -> None:
    database.run(f"DROP PUBLICATION IF EXISTS {identifier(capture.slot)}")


def publication_findings(database: Database, capture: Capture) -> Iterator[Finding]:
    """Whether it is there with every table, or the role may bring it about. Blocks for a few queries."""
    absent = unpublished(database, capture)
    if not absent:
        yield Finding("publication", "ok", f"{capture.slot} has every table")
        return
    facts = {table: table_facts(database, table) for table in capture.captured}
    if None in facts.values():
        return  # told as a table that is missing
    others = [table for table, one in facts.items() if one is not None and not one.owned]
    if _exists(database, capture):
        sql = _widening_sql(capture, absent)
        if not _owned(database, capture) or set(others) & set(absent):
            detail = f"{capture.slot} lacks {', '.join(absent)}, and {capture.role} may not add them"
            yield Finding("publication", "fail", detail, "let the owner of publication and tables run", sql)
            return
        yield Finding("publication", "ok", f"{', '.join(absent)} will be added to {capture.slot}")
    elif others:
        detail = f"{capture.role} does not own {', '.join(others)}, and so may not publish their changes"
        yield Finding("publication", "fail", detail, "let the tables' owner run", publication_sql(capture))
    elif not database.one("SELECT has_database_privilege(current_database(), 'CREATE')"):
        sql = f"GRANT CREATE ON DATABASE {identifier(capture.database)} TO {identifier(capture.role)}"
        yield Finding("publication", "fail", f"{capture.role} may not make one in {capture.database}", "grant it", sql)
    else:
        yield Finding("publication", "ok", f"{capture.slot} will be made")


def _widening_sql(capture: Capture, tables: Sequence[str]) -> str:
    return f"ALTER PUBLICATION {identifier(capture.slot)} ADD TABLE {', '.join(map(qualified, tables))}"


def _exists(database: Database, capture: Capture) -> bool:
    return bool(database.one("SELECT 1 FROM pg_publication WHERE pubname = :name", name=capture.slot))


def _owned(database: Database, capture: Capture) -> bool:
    """Whether the role may change its tables; nobody may where it is for all."""
    return bool(
        database.one(
            "SELECT pg_has_role(pubowner, 'USAGE') AND NOT puballtables FROM pg_publication WHERE pubname = :name",
            name=capture.slot,
        )
    )


def _published(database: Database, capture: Capture) -> set[str]:
    rows = database.run(
        "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = :name", name=capture.slot
    )
    return {qualified(row[0]) for row in rows}


def _run(database: Database, sql: str) -> None:
    try:
        database.run(sql)
    except UsageError as error:
        raise UsageError("the publication cannot be made", error.detail, f"let the tables' owner run: {sql}") from error
