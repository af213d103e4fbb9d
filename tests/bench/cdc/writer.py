"""Commits rows open loop, and says when each commit was acknowledged."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from producers.cdc.database import Database


@dataclass(frozen=True, slots=True)
class Commit:
    """``acknowledged_ns`` since the epoch: when the client had the answer."""

    id: int
    body: str
    acknowledged_ns: int


def write(
    database: Database,
    contents: Iterator[str],
    first: int,
    rate: float,
    rows: int,
    committed: Callable[[Commit], None] = lambda commit: None,
) -> list[Commit]:
    """One row a transaction. Blocks until all are committed."""
    done: list[Commit] = []
    start = time.monotonic() + 0.2
    gc.disable()
    try:
        for number in range(rows):
            pause = start + number / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            body = next(contents)
            database.run("INSERT INTO bench (id, body) VALUES (:id, :body)", id=first + number, body=body)
            commit = Commit(first + number, body, time.time_ns())
            done.append(commit)
            committed(commit)
    finally:
        gc.enable()
    return done
