"""Reads again what the log did not have: large columns that a change left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from freshet.errors import FreshetError, RejectedRecord, UsageError
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database
from producers.cdc.document import unchanged_columns
from producers.cdc.rows import TableReader
from producers.cdc.wire import Schema

_STATEMENT_S: Final = 10.0
_LOCK_S: Final = 1.0
"""All captures' changes wait that long at most for one whose table is locked."""


class RowsAway(FreshetError):
    """The rows cannot be read at present: the change has to wait. ``reach`` blocks and raises until they can be."""

    def __init__(self, what: str, reach: Callable[[], None]) -> None:
        super().__init__(what)
        self.reach = reach


class Reselect:
    """One connection per capture. Not thread-safe for one capture."""

    def __init__(self, connect: Callable[[Capture], Database] | None = None) -> None:
        self._connect = connect or (lambda capture: Database(capture, _STATEMENT_S, _LOCK_S))
        self._sources: dict[str, _Source] = {}

    def complete(
        self,
        capture: Capture,
        table: CapturedTable,
        key: Sequence[Any],
        row: Mapping[str, Any],
        schema: Schema | None = None,
    ) -> dict[str, Any] | None:
        """The row with each column it lacked as that column is now. None where the row is gone: a delete follows.

        A value that is newer than the change does no harm: the change that made it comes later with all of it.
        ``schema`` is the row's in the log; where it differs from the last one the table is looked at again.
        Blocks for a query and never for connecting. Raises RowsAway, RejectedRecord where the table is gone.
        """
        wanted = unchanged_columns(table, row)
        if not wanted:
            return dict(row)

        def reach() -> None:
            self._opened(capture).read(table, key, schema)

        source = self._sources.get(capture.name)
        if source is None or source.capture != capture:
            raise RowsAway("there is no connection yet", reach)
        try:
            found = source.read(table, key, schema)
        except RejectedRecord:
            raise
        except FreshetError as error:
            self.close(capture.name)
            raise RowsAway(str(error), reach) from error
        if found is None:
            return None
        return {**row, **{column: found[column] for column in wanted if column in found}}

    def close(self, capture: str | None = None) -> None:
        """One capture's connection, or all."""
        for name in list(self._sources) if capture is None else [capture]:
            if (source := self._sources.pop(name, None)) is not None:
                source.database.close()

    def _opened(self, capture: Capture) -> _Source:
        # A new one: the old may have died long ago, unnoticed.
        self.close(capture.name)
        source = self._sources[capture.name] = _Source(capture, self._connect(capture))
        return source


class _Source:
    def __init__(self, capture: Capture, database: Database) -> None:
        self.capture = capture
        self.database = database
        self._readers: dict[str, tuple[Schema | None, TableReader]] = {}

    def read(self, table: CapturedTable, key: Sequence[Any], schema: Schema | None) -> dict[str, Any] | None:
        """Raises FreshetError."""
        before, reader = self._readers.get(table.table, (None, None))
        if reader is not None and before == schema:
            try:
                return reader.by_key(key)
            except UsageError:
                # Its columns may be others by now.
                del self._readers[table.table]
        facts = table_facts(self.database, table.table)
        if facts is None:
            raise RejectedRecord("unchanged-column", f"{table.table} is not there to be read")
        reader = TableReader(self.database, table, facts)
        self._readers[table.table] = (schema, reader)
        return reader.by_key(key)
