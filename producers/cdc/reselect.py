"""Reads again what the log did not have: large columns that a change left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from freshet.errors import RejectedRecord, UnavailableError
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database
from producers.cdc.document import unchanged_columns
from producers.cdc.rows import TableReader


class Reselect:
    """One connection per capture, opened when first needed. Not thread-safe."""

    def __init__(self) -> None:
        self._databases: dict[str, Database] = {}
        self._readers: dict[tuple[str, str], TableReader] = {}

    def complete(
        self, capture: Capture, table: CapturedTable, key: Sequence[Any], row: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The row with each column it lacked as that column is now. None where the row is gone: a delete follows.

        A value that is newer than the change does no harm: the change that made it comes later with all of it.
        Blocks; raises UnavailableError while the database is away, RejectedRecord where the table is gone.
        """
        wanted = unchanged_columns(table, row)
        if not wanted:
            return dict(row)
        try:
            found = self._reader(capture, table).by_key(key)
        except UnavailableError:
            # The connection may have died long ago, unnoticed.
            self.close()
            found = self._reader(capture, table).by_key(key)
        if found is None:
            return None
        return {**row, **{column: found[column] for column in wanted if column in found}}

    def close(self) -> None:
        """Also after a change of the tables."""
        for database in self._databases.values():
            with suppress(OSError):
                database.close()
        self._databases.clear()
        self._readers.clear()

    def _reader(self, capture: Capture, table: CapturedTable) -> TableReader:
        place = (capture.name, table.table)
        if place not in self._readers:
            if capture.name not in self._databases:
                self._databases[capture.name] = Database(capture)
            database = self._databases[capture.name]
            facts = table_facts(database, table.table)
            if facts is None:
                raise RejectedRecord("unchanged-column", f"{table.table} is not there to be read")
            self._readers[place] = TableReader(database, table, facts)
        return self._readers[place]
