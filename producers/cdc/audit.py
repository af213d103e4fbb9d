"""Compares the rows of a source with the documents in the index, and sends again what differs."""

from __future__ import annotations

import threading
from typing import Final

from freshet.errors import UsageError
from producers.cdc.baseline import baseline
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import table_facts
from producers.cdc.comparison import Comparison, TableAudit
from producers.cdc.database import Database
from producers.cdc.finding import require
from producers.cdc.index import Index
from producers.cdc.rows import PAGE_SECONDS, TableReader
from producers.cdc.table_checks import key_findings
from producers.sink import Sink

__all__ = ["Audit", "TableAudit"]

BASELINE_SECONDS: Final = 60.0


class Audit:
    """Blocks; raises FreshetError. Changes that come meanwhile are no difference: what differs is looked at again."""

    def __init__(
        self, capture: Capture, index: Index, settle_s: float = 10.0, stop: threading.Event | None = None
    ) -> None:
        """``stop`` ends one that runs, with UnavailableError."""
        self._capture = capture
        self._index = index
        self._settle_s = settle_s
        self._stop = threading.Event() if stop is None else stop

    def run(self, table: CapturedTable, sink: Sink | None = None, *, texts: bool = True) -> TableAudit:
        """With a ``sink`` what differs is sent again. ``texts`` compares contents too, one request per document."""
        with Database(self._capture, statement_s=PAGE_SECONDS) as database:
            facts = table_facts(database, table.table)
            if facts is None:
                raise UsageError(f"there is no table {table.table}", "", "mend the capture")
            # By a key that does not find its row, every row would seem gone.
            require(list(key_findings(table, facts)))
            position = baseline(database, self._stop, BASELINE_SECONDS)
            reader = TableReader(database, table, facts)
            comparison = Comparison(self._capture, table, reader, self._index, position, self._stop, texts=texts)
            comparison.look()
            comparison.settle(self._settle_s)
            if sink is not None and not comparison.found.ahead:
                comparison.repair(sink)
            return comparison.found
