"""Whether a capture's slot still holds every change."""

from __future__ import annotations

from dataclasses import dataclass

from producers.cdc.capture import Capture
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database
from producers.cdc.publication import unpublished


@dataclass(frozen=True, slots=True)
class SlotHealth:
    """``wal_status`` in PostgreSQL's words, or ``absent``. ``behind_bytes`` is log that was not confirmed yet."""

    wal_status: str
    active: bool
    retained_bytes: int
    behind_bytes: int
    safe_bytes: int | None
    """Log that may still be written before the slot is lost; None without a limit."""
    missing_tables: tuple[str, ...]
    unpublished_tables: tuple[str, ...] = ()
    """There, and not in the publication."""

    @property
    def lost(self) -> bool:
        """Changes were thrown away, or will never have been kept."""
        return self.wal_status in ("lost", "absent")

    @property
    def well(self) -> bool:
        absent = self.missing_tables or self.unpublished_tables
        return not self.lost and not absent and self.wal_status != "unreserved"

    def trouble(self, capture: Capture) -> str:
        """In words, with the way out."""
        if self.lost:
            return (
                f"the slot {capture.slot} is {self.wal_status}: changes are missing. "
                f"Run `freshet cdc repair {capture.name}`, then `freshet audit {capture.name} --repair`"
            )
        if self.missing_tables:
            gone = ", ".join(self.missing_tables)
            return f"there is no table {gone}: if it was renamed, mend the capture with `freshet cdc add`"
        if self.unpublished_tables:
            absent = ", ".join(self.unpublished_tables)
            return (
                f"{absent} is not in the publication {capture.slot}: its changes do not come. See what "
                f"`freshet cdc prepare` says; it needs the tables' owner"
            )
        return f"the slot {capture.slot} is about to be lost: raise max_slot_wal_keep_size, see why nobody reads it"


def slot_health(database: Database, capture: Capture) -> SlotHealth:
    """Blocks for a few queries."""
    missing = tuple(table for table in capture.captured if table_facts(database, table) is None)
    silent = tuple(table for table in unpublished(database, capture) if table not in missing)
    found = database.run(
        """SELECT wal_status, active,
                  coalesce(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), restart_lsn), 0)::bigint,
                  coalesce(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), confirmed_flush_lsn), 0)::bigint, safe_wal_size
           FROM pg_replication_slots WHERE slot_name = :slot""",
        slot=capture.slot,
    )
    if not found:
        return SlotHealth("absent", False, 0, 0, None, missing, silent)
    status, active, retained, behind, safe = found[0]
    return SlotHealth(str(status), bool(active), int(retained), int(behind), safe, missing, silent)
