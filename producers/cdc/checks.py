"""What must hold before a capture can work, each in words with the SQL that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from freshet.errors import UsageError
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import TableFacts, table_facts
from producers.cdc.database import Database, identifier, qualified

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``sql`` is what somebody with the right to do so should run."""

    name: str
    level: Level
    detail: str
    remedy: str = ""
    sql: str = ""


def examine(database: Database, capture: Capture, *, new: bool) -> list[Finding]:
    """Everything that is looked at, good or bad. ``new`` is whether the capture does not run yet. Blocks."""
    return [
        *_server(database, capture),
        _role(database, capture),
        *_slot(database, capture, new),
        *(finding for table in capture.tables for finding in _table(database, table, capture.role)),
        *_outbox(database, capture),
    ]


def require(findings: list[Finding]) -> None:
    """Raises UsageError that names every failure with its remedy."""
    failed = [one for one in findings if one.level == "fail"]
    if failed:
        remedies = [f"{one.remedy}{': ' if one.remedy and one.sql else ''}{one.sql}" for one in failed]
        raise UsageError(
            "the database cannot be captured like this",
            "; ".join(f"{one.name}: {one.detail}" for one in failed),
            "; ".join(dict.fromkeys(one for one in remedies if one)),
        )


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


def _table(database: Database, table: CapturedTable, role: str) -> Iterator[Finding]:
    facts = table_facts(database, table.table)
    if facts is None:
        yield Finding(table.table, "fail", "there is no such table", "write schema.table, and check the database")
        return
    bad = [*_columns(table, facts), *_key(table, facts), *_toast(table, facts)]
    if not facts.readable:
        sql = f"GRANT SELECT ON {qualified(table.table)} TO {identifier(role)}"
        bad.append(Finding(table.table, "fail", "the role may not read it", "grant it", sql))
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


def _toast(table: CapturedTable, facts: TableFacts) -> Iterator[Finding]:
    if table.toast == "full" and facts.identity != "full":
        yield Finding(
            table.table,
            "fail",
            f"toast is full, and its replica identity is {facts.identity}",
            "set it, or leave toast at reselect",
            f"ALTER TABLE {qualified(table.table)} REPLICA IDENTITY FULL",
        )


def _outbox(database: Database, capture: Capture) -> Iterator[Finding]:
    if capture.outbox is not None and table_facts(database, capture.outbox.table) is None:
        yield Finding(
            capture.outbox.table, "fail", "there is no such table", "run the SQL of `freshet cdc outbox` first"
        )
