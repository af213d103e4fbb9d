"""The slot of a capture: made and removed."""

from __future__ import annotations

from producers.cdc.capture import Capture
from producers.cdc.database import Database


def has_slot(database: Database, capture: Capture) -> bool:
    return bool(database.one("SELECT 1 FROM pg_replication_slots WHERE slot_name = :slot", slot=capture.slot))


def slot_is_read(database: Database, capture: Capture) -> bool:
    return bool(database.one("SELECT active FROM pg_replication_slots WHERE slot_name = :slot", slot=capture.slot))


def ensure_slot(database: Database, capture: Capture) -> bool:
    """Create it where it is absent; True then."""
    if has_slot(database, capture):
        return False
    database.run(f"SELECT pg_create_logical_replication_slot('{capture.slot}', 'pgoutput')")
    return True


def drop_slot(database: Database, capture: Capture) -> None:
    """No error where it is absent. The connector must have let go of it."""
    database.run(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = :slot",
        slot=capture.slot,
    )
