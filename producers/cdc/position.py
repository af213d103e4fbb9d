"""What the ``source`` of an envelope says: which table, where in the log, and when it was committed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from freshet.errors import RejectedRecord

_BINLOG_OFFSET_BITS: Final = 32
_MONGO_ORDINAL_BITS: Final = 23


def table_of(source: Mapping[str, Any]) -> str:
    """``schema.table``; of MySQL and MongoDB ``database.table``."""
    space = source.get("schema") or source.get("db")
    name = source.get("table") or source.get("collection")
    if not space or not name:
        raise RejectedRecord("no-table", "its source names no table")
    return f"{space}.{name}"


def position_of(source: Mapping[str, Any]) -> int:
    """Grows with each change of a row. Raises RejectedRecord where the source has none.

    PostgreSQL: the LSN. MySQL: the number of the binlog file and the offset in it; GTIDs tell no order. MongoDB: the
    cluster time, seconds and ordinal.
    """
    try:
        connector = source.get("connector")
        if connector == "postgresql":
            return int(source["lsn"])
        if connector in ("mysql", "mariadb"):
            number = re.search(r"\.(\d+)$", source["file"])
            if number is None:
                raise ValueError(f"file {source['file']!r} has no number")
            return (int(number[1]) << _BINLOG_OFFSET_BITS) | int(source["pos"])
        if connector == "mongodb":
            return (int(source["ts_ms"]) // 1000 << _MONGO_ORDINAL_BITS) | int(source["ord"])
    except (KeyError, TypeError, ValueError) as error:
        raise RejectedRecord("no-position", f"its source has no position: {error}") from error
    raise RejectedRecord("unknown-source", f"connector {connector!r}")


def committed_ns(source: Mapping[str, Any]) -> int:
    """When its transaction was committed, by the database's clock; ns since the epoch."""
    for name, factor in (("ts_ns", 1), ("ts_us", 1_000), ("ts_ms", 1_000_000)):
        value = source.get(name)
        if isinstance(value, int):
            return value * factor
    return 0
