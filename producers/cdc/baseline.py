"""A position in the log from which rows can be read beside the changes.

A row's change may lie in the log before the position at which it becomes visible. So the position is taken first, then
every transaction that was open at that moment is waited for, and only then rows are read. What a read does not see was
then written behind the position, and wins over the row; what the index held before lies at or before it, and loses.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from freshet.errors import UnavailableError
from producers.cdc.database import Database
from producers.cdc.version import parse_lsn

_POLL_S: Final = 0.05


def baseline(
    database: Database,
    stop: threading.Event,
    seconds: float | None = None,
    waiting: Callable[[str], None] = lambda oldest: None,
) -> int:
    """The position. Blocks for the open transactions that write, without a limit unless ``seconds`` gives one.

    ``waiting`` is called once when there are any, and told of the oldest. Raises UnavailableError when stopped, or
    after ``seconds``.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    told = False
    position = database.one("SELECT pg_current_wal_insert_lsn()::text")
    # A new number: whoever wrote before the position has a lower one. A snapshot's own end would not do, as it lies
    # behind the newest transaction that has ended, and an open one may be newer.
    own = int(database.one("SELECT pg_current_xact_id()::text"))
    while database.one(f"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint <= {own}"):
        if not told:
            waiting(oldest_writer(database))
            told = True
        if stop.wait(_POLL_S):
            raise UnavailableError("stopped while transactions were waited for")
        if deadline is not None and time.monotonic() > deadline:
            raise UnavailableError(
                f"a transaction that writes is open since more than {seconds:g} s",
                oldest_writer(database) or "rows can be read only when those have ended that were open before",
                "end it (see pg_stat_activity), then try again",
            )
    return parse_lsn(position)


def oldest_writer(database: Database) -> str:
    """Which open transaction that writes is the oldest, of the whole server; empty without one."""
    return str(
        database.one(
            """SELECT told FROM (
                   SELECT format('the transaction of pid %s (%s)', pid, concat_ws(', ', usename, datname,
                                 nullif(application_name, ''), 'open since ' || date_trunc('second', xact_start))),
                          age(backend_xid)
                   FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
                 UNION ALL
                   SELECT format('the prepared transaction %L (%s)', gid,
                                 concat_ws(', ', owner, database, 'open since ' || date_trunc('second', prepared))),
                          age(transaction)
                   FROM pg_prepared_xacts
               ) AS open (told, age) ORDER BY age DESC LIMIT 1"""
        )
        or ""
    )
