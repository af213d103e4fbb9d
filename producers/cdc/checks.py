"""What must hold before a capture can work, each in words with the SQL that mends it."""

from __future__ import annotations

from collections.abc import Iterator

from producers.cdc.capture import Capture
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database, identifier
from producers.cdc.finding import Finding, require
from producers.cdc.table_checks import table_findings

__all__ = ["Finding", "examine", "require"]


def examine(database: Database, capture: Capture, *, new: bool) -> list[Finding]:
    """Everything that is looked at, good or bad. ``new`` is whether the capture does not run yet. Blocks."""
    return [
        *_server(database, capture),
        _role(database, capture),
        *_slot(database, capture, new),
        *(finding for table in capture.tables for finding in table_findings(database, table, capture.role)),
        *_outbox(database, capture),
    ]


def _server(database: Database, capture: Capture) -> Iterator[Finding]:
    level = database.one("SELECT current_setting('wal_level')")
    if level == "logical":
        yield Finding("wal_level", "ok", "logical")
    else:
        yield Finding(
            "wal_level",
            "fail",
            f"it is {level}, and changes can be read only with logical",
            "set it and restart PostgreSQL (managed services have a parameter for it)",
            "ALTER SYSTEM SET wal_level = logical",
        )
    if database.one("SELECT pg_is_in_recovery()"):
        yield Finding("primary", "fail", "this server is a standby", "name the primary in the address")
    limit = database.one("SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size'")
    if limit == -1:
        yield Finding(
            "max_slot_wal_keep_size",
            "warn",
            "it is -1: while the capture stands still, its slot keeps log without limit and can fill the disk",
            "set a limit that covers the longest outage to be bridged",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '16GB'; SELECT pg_reload_conf()",
        )
    elif limit is not None:
        yield Finding("max_slot_wal_keep_size", "ok", f"{limit} MB; beyond it the slot is lost, see `cdc status`")


def _role(database: Database, capture: Capture) -> Finding:
    may = database.one(
        """SELECT rolsuper OR rolreplication OR EXISTS (
               SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(g.oid, 'USAGE'))
           FROM pg_roles WHERE rolname = current_user"""
    )
    if may:
        return Finding("role", "ok", f"{capture.role} may replicate")
    return Finding(
        "role",
        "fail",
        f"{capture.role} may not read the log",
        "let a superuser grant it",
        f"ALTER ROLE {identifier(capture.role)} REPLICATION",
    )


def _slot(database: Database, capture: Capture, new: bool) -> Iterator[Finding]:
    found = database.run(
        "SELECT plugin, database, active, wal_status, active_pid FROM pg_replication_slots WHERE slot_name = :slot",
        slot=capture.slot,
    )
    drop = f"SELECT pg_drop_replication_slot('{capture.slot}')"
    if found:
        plugin, where, active, status, pid = found[0]
        if plugin != "pgoutput" or where != capture.database:
            detail = f"{capture.slot} is taken by {plugin or 'physical replication'} of database {where}"
            yield Finding("slot", "fail", detail, "choose another --name")
        elif new and active:
            detail = f"somebody reads {capture.slot} already (pid {pid}): two connectors cannot share a slot"
            yield Finding("slot", "fail", detail, "choose another --name, or remove the other capture")
        elif status == "lost":
            detail = f"{capture.slot} is lost: it was behind by more than max_slot_wal_keep_size"
            yield Finding("slot", "fail", detail, f"run `freshet cdc repair {capture.name}`")
        elif new:
            detail = f"{capture.slot} was left over by an earlier capture, and changes since then would be replayed"
            yield Finding("slot", "fail", detail, "drop it, or choose another --name", drop)
        else:
            yield Finding("slot", "ok", f"{capture.slot}, {status}")
        return
    used, limit = database.run(
        "SELECT (SELECT count(*) FROM pg_replication_slots), current_setting('max_replication_slots')::int"
    )[0]
    if used >= limit:
        yield Finding(
            "slot",
            "fail",
            f"all {limit} replication slots are taken",
            "drop one that nobody uses, or raise the limit and restart",
            f"ALTER SYSTEM SET max_replication_slots = {limit + 4}",
        )
    left = database.run("SELECT slot_name FROM pg_replication_slots WHERE NOT active AND slot_name LIKE 'freshet%'")
    for (name,) in left:
        yield Finding(
            "slots left over",
            "warn",
            f"nobody reads {name}, and it keeps log",
            "drop it unless its capture is only paused",
            f"SELECT pg_drop_replication_slot('{name}')",
        )


def _outbox(database: Database, capture: Capture) -> Iterator[Finding]:
    if capture.outbox is not None and table_facts(database, capture.outbox.table) is None:
        yield Finding(
            capture.outbox.table, "fail", "there is no such table", "run the SQL of `freshet cdc outbox` first"
        )
