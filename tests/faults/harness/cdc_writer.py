"""Transactions on a captured table, with every committed state of every row in the ledger."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from freshet.errors import FreshetError
from producers.cdc.capture import Capture
from producers.cdc.database import Database
from tests.faults.harness.ledger import Change, Ledger
from tests.faults.harness.texts import text

SCHEMA = """
CREATE SEQUENCE IF NOT EXISTS note_changes;
CREATE TABLE IF NOT EXISTS notes (
    id text PRIMARY KEY, seq bigint NOT NULL, body text NOT NULL, extra integer NOT NULL DEFAULT 0);
ALTER TABLE notes ALTER COLUMN body SET STORAGE EXTERNAL;
"""
RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the transactions; the rest are plain upserts of one row."""

    deletes: float = 0.12
    moves: float = 0.05
    several: float = 0.1
    rollbacks: float = 0.05
    empty: float = 0.1
    """Updates that touch neither text nor metadata."""


class CdcWriter:
    """One connection in one thread. A row's changes are numbered in the order of its locks, as the log orders them."""

    def __init__(
        self,
        capture: Capture,
        ledger: Ledger,
        prefix: str,
        seed: int,
        rate: float,
        documents: int,
        mix: Mix | None = None,
    ) -> None:
        self._capture = capture
        self._ledger = ledger
        self._prefix = prefix
        self._choose = random.Random(seed)
        self._rate = rate
        self._documents = documents
        self._mix = mix or Mix()
        self._number = 0
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"writer-{seed}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Raises what ended the load."""
        self._stop.set()
        self._thread.join(30)
        self.check()

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                # A server that is away is waited for, as an application would.
                with suppress(FreshetError), Database(self._capture) as database:
                    self._write(database)
                self._stop.wait(RETRY_SECONDS)
        except BaseException as error:
            self._failure = error

    def _write(self, database: Database) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            self._transaction(database)
            due += 1 / self._rate

    def _transaction(self, database: Database) -> None:
        kind = self._choose.random()
        mix = self._mix
        names = [self._name() for _ in range(4 if kind < mix.several else 2)]
        database.run("BEGIN")
        try:
            for name in sorted(set(names)):
                database.run("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", name=name)
            if kind < mix.several:
                changes = [change for name in (*names, names[0]) for change in self._upsert(database, name)]
                changes += self._delete(database, names[1])
                changes += self._upsert(database, names[1])
            elif kind < mix.several + mix.deletes:
                changes = self._delete(database, names[0])
            elif kind < mix.several + mix.deletes + mix.moves:
                changes = self._move(database, names[0], names[1])
            elif kind < mix.several + mix.deletes + mix.moves + mix.empty:
                database.run("UPDATE notes SET extra = extra + 1 WHERE id = :name", name=names[0])
                changes = []
            else:
                changes = self._upsert(database, names[0])
            if self._choose.random() < mix.rollbacks:
                database.run("ROLLBACK")
                return
        except FreshetError:
            with suppress(FreshetError):
                database.run("ROLLBACK")
            raise
        for change in changes:
            self._ledger.sent(change)
        database.run("COMMIT")
        for change in changes:
            self._ledger.acknowledged(change)

    def _name(self) -> str:
        hot = self._choose.random() < 0.5
        return f"{self._prefix}-{self._choose.randrange(max(1, self._documents // 10) if hot else self._documents)}"

    def _upsert(self, database: Database, name: str) -> list[Change]:
        self._number += 1
        body = text(self._choose, f"{name} {self._number} {self._choose.randrange(10**9)}", long=False)
        found = database.run(
            """INSERT INTO notes (id, seq, body) VALUES (:name, nextval('note_changes'), :body)
               ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, body = excluded.body RETURNING seq""",
            name=name,
            body=body,
        )
        return [Change(self._id(name), found[0][0], "upsert", body)]

    def _delete(self, database: Database, name: str) -> list[Change]:
        if not database.run("DELETE FROM notes WHERE id = :name RETURNING id", name=name):
            return []
        return [Change(self._id(name), database.one("SELECT nextval('note_changes')"), "delete")]

    def _move(self, database: Database, name: str, other: str) -> list[Change]:
        if name == other:
            return []
        changes = self._delete(database, other)
        found = database.run(
            "UPDATE notes SET id = :other, seq = nextval('note_changes') WHERE id = :name RETURNING seq, body",
            other=other,
            name=name,
        )
        if not found:
            return changes
        seq, body = found[0]
        gone = database.one("SELECT nextval('note_changes')")
        return [*changes, Change(self._id(other), seq, "upsert", body), Change(self._id(name), gone, "delete")]

    def _id(self, name: str) -> str:
        return f"{self._capture.name}/public.notes/{name}"
