"""What a title update on a large body writes to the log, by replica identity."""

from __future__ import annotations

from typing import Any

from producers.cdc.version import parse_lsn
from tests.bench.cdc.machinery import Machinery

UPDATES = 200
BODY_BYTES = 64 << 10


def measure(machinery: Machinery) -> list[dict[str, Any]]:
    """One row per identity."""
    results = []
    with machinery.database() as database:
        database.run("CREATE TABLE large (id bigint PRIMARY KEY, title text, body text)")
        # Incompressible, as a text of that size partly is.
        database.run(
            f"""INSERT INTO large SELECT 1, 't', string_agg(md5(n::text || random()::text), '')
                FROM generate_series(1, {BODY_BYTES // 32}) AS n"""
        )
        for identity in ("DEFAULT", "FULL"):
            database.run(f"ALTER TABLE large REPLICA IDENTITY {identity}; CHECKPOINT")
            database.run("UPDATE large SET title = 'warm'")
            before = parse_lsn(database.one("SELECT pg_current_wal_insert_lsn()::text"))
            for number in range(UPDATES):
                database.run("UPDATE large SET title = :title", title=f"title {number}")
            after = parse_lsn(database.one("SELECT pg_current_wal_insert_lsn()::text"))
            results.append({"identity": identity, "updates": UPDATES, "bytes": (after - before) / UPDATES})
            print(results[-1], flush=True)
        database.run("DROP TABLE large")
    return results
