"""A capture looked at from all sides: connector, slot, tables, first reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from freshet.errors import FreshetError
from producers.cdc.baseline import oldest_writer
from producers.cdc.capture import Capture
from producers.cdc.connect_api import ConnectApi
from producers.cdc.database import Database
from producers.cdc.health import SlotHealth, slot_health
from producers.cdc.progress import Progress


@dataclass(slots=True)
class Condition:
    """JSON-ready. What could not be asked is None, and named among the troubles."""

    name: str
    connector: str | None = None
    task: str | None = None
    slot: SlotHealth | None = None
    read: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def condition_of(capture: Capture, connect_url: str, state: Path) -> Condition:
    """Blocks for a few requests. Never raises FreshetError."""
    found = Condition(capture.name)
    if capture.kind == "postgresql":
        _ask(capture, found, state)
    try:
        with ConnectApi(connect_url, timeout=5) as api:
            state_of = api.state(api.connector_of(capture))
    except FreshetError as error:
        found.troubles.append(str(error))
        return found
    if state_of is None:
        found.troubles.append(
            "it has no connector: the CDC producer registers it within seconds, see its log"
            if capture.kind == "postgresql"
            else f"it has no connector {capture.connector_name}: register it, see `freshet cdc manifest`"
        )
        return found
    found.connector, found.task = state_of.state, state_of.task
    if state_of.state in ("PAUSED", "STOPPED"):
        found.troubles.append(f"it is {state_of.state.lower()}: freshet cdc resume {capture.name}")
    elif state_of.task == "NONE":
        found.troubles.append("the connector says RUNNING and has no task: see slot and the log of connect")
    elif not state_of.runs:
        found.troubles.append(f"its task is {state_of.task}: {_cause(state_of.trace)}")
    return found


def _ask(capture: Capture, found: Condition, state: Path) -> None:
    """PostgreSQL itself, and how far its rows are read."""
    progress = Progress(state)
    waiting = []
    for table in capture.tables:
        one = progress.of(capture, table)
        found.read[table.table] = f"{one.rows} rows read" if one.done else f"reading, {one.rows} rows so far"
        if not one.done and not one.baseline:
            waiting.append(table.table)
    try:
        with Database(capture) as database:
            found.slot = slot_health(database, capture)
            oldest = oldest_writer(database) if waiting else ""
            if oldest:
                found.read.update(dict.fromkeys(waiting, f"not read yet: {oldest} has to end first"))
        if not found.slot.well:
            found.troubles.append(found.slot.trouble(capture))
    except FreshetError as error:
        found.troubles.append(str(error))


def lines(condition: Condition) -> Iterator[str]:
    """For people."""
    yield f"{condition.name}: connector {condition.connector or '?'}, task {condition.task or '?'}"
    if (slot := condition.slot) is not None:
        kept = f"{slot.retained_bytes / 2**20:.1f} MB kept, {slot.behind_bytes / 2**20:.1f} MB not confirmed"
        left = "" if slot.safe_bytes is None else f", lost after {slot.safe_bytes / 2**20:.0f} MB more"
        yield f"  slot {slot.wal_status}, {'read' if slot.active else 'not read'}, {kept}{left}"
    for table, read in condition.read.items():
        yield f"  {table}: {read}"
    for trouble in condition.troubles:
        yield f"  ✗ {trouble}"


def _cause(trace: str) -> str:
    """The innermost reason of a Java trace."""
    causes = [line.removeprefix("Caused by: ") for line in trace.splitlines() if line.startswith("Caused by: ")]
    return (causes[-1] if causes else trace.splitlines()[0] if trace else "see the log of connect")[:500]
