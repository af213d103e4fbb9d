"""Publication and slot of a capture: made, widened, removed."""

from __future__ import annotations

from producers.cdc.capture import Capture
from producers.cdc.database import Database, identifier, qualified


def publication_sql(capture: Capture) -> str:
    """What makes the publication, for somebody who owns the tables."""
    tables = ", ".join(qualified(table) for table in capture.captured)
    return f"CREATE PUBLICATION {identifier(capture.slot)} FOR TABLE {tables} WITH (publish_via_partition_root = true)"


def ensure_publication(database: Database, capture: Capture) -> bool:
    """Create it, or set its tables; True where something was changed. Raises UsageError where the role may not."""
    wanted = {qualified(table) for table in capture.captured}
    if not database.one("SELECT 1 FROM pg_publication WHERE pubname = :name", name=capture.slot):
        database.run(publication_sql(capture))
        return True
    there = {
        qualified(row[0])
        for row in database.run(
            "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = :name", name=capture.slot
        )
    }
    if there == wanted:
        return False
    database.run(f"ALTER PUBLICATION {identifier(capture.slot)} SET TABLE {', '.join(sorted(wanted))}")
    return True


def ensure_slot(database: Database, capture: Capture) -> bool:
    """Create it where it is absent; True then."""
    if database.one("SELECT 1 FROM pg_replication_slots WHERE slot_name = :slot", slot=capture.slot):
        return False
    database.run(f"SELECT pg_create_logical_replication_slot('{capture.slot}', 'pgoutput')")
    return True


def drop_slot(database: Database, capture: Capture) -> None:
    """No error where it is absent. The connector must have let go of it."""
    database.run(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = :slot",
        slot=capture.slot,
    )


def drop_publication(database: Database, capture: Capture) -> None:
    database.run(f"DROP PUBLICATION IF EXISTS {identifier(capture.slot)}")
