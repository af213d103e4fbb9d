"""All audits of a round: which tables, and what their figures become."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from freshet.errors import FreshetError, UsageError
from freshet.metrics import CDC_AUDIT_COMPARED, CDC_AUDIT_DIFFERENCES, CDC_AUDIT_FAILURES, CDC_AUDIT_TIME
from producers.cdc.audit import Audit, TableAudit
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.captures import Captures
from producers.cdc.index import Index
from producers.sink import Sink

_log: Final = logging.getLogger(__name__)

Show = Callable[[str, TableAudit], None]
"""Called with the capture's name and each table's outcome, as it comes."""


class Auditor:
    """Every method blocks. With a ``sink`` what differs is sent again."""

    def __init__(
        self,
        captures: Captures,
        index: Index,
        sink: Sink | None = None,
        *,
        name: str | None = None,
        table: str | None = None,
        texts: bool = True,
    ) -> None:
        """One capture by ``name``, else all; of each one ``table``, else all."""
        self._captures = captures
        self._index = index
        self._sink = sink
        self._name = name
        self._table = table
        self._texts = texts

    def chosen(self) -> list[tuple[Capture, CapturedTable]]:
        """Empty where nothing is captured. Raises UsageError where a capture or a table is named that is not there."""
        captures = self._captures.all() if self._name is None else [self._captures.read(self._name)]
        tables = [(capture, one) for capture in captures if capture.kind == "postgresql" for one in capture.tables]
        if captures and not tables:
            named = f"the capture {self._name} has" if self._name else "the captures have"
            raise UsageError(
                f"{named} no tables to compare", "an outbox keeps no rows, and only PostgreSQL is asked", ""
            )
        found = [(capture, one) for capture, one in tables if self._table in (None, one.table)]
        if tables and not found:
            known = ", ".join(sorted({one.table for _, one in tables}))
            raise UsageError(f"no capture has the table {self._table}", f"known: {known}", "write schema.table")
        return found

    def once(self, show: Show) -> dict[str, list[TableAudit]]:
        """By capture. Raises FreshetError."""
        found: dict[str, list[TableAudit]] = {}
        for capture, table in self.chosen():
            outcome = self._audit(capture, table, threading.Event())
            found.setdefault(capture.name, []).append(outcome)
            show(capture.name, outcome)
        return found

    def repeat(self, every_s: float, show: Show, stop: threading.Event) -> None:
        """Begin a round every so often until stopped, whatever fails: that is logged and counted."""
        failures = CDC_AUDIT_FAILURES.counter()
        while not stop.is_set():
            begun = time.monotonic()
            for capture, table in self._at_present(failures.inc):
                if stop.is_set():
                    return
                try:
                    show(capture.name, self._audit(capture, table, stop))
                except FreshetError as error:
                    if not stop.is_set():
                        failures.inc()
                        _log.error("%s %s: %s", capture.name, table.table, error)
            stop.wait(max(0.0, every_s - (time.monotonic() - begun)))

    def _at_present(self, failed: Callable[[], None]) -> Iterator[tuple[Capture, CapturedTable]]:
        try:
            yield from self.chosen()
        except FreshetError as error:
            failed()
            _log.error("%s", error)

    def _audit(self, capture: Capture, table: CapturedTable, stop: threading.Event) -> TableAudit:
        if self._sink is not None:
            # The producer must not take what it remembers for what the index holds.
            self._captures.touch(capture.name)
        found = Audit(capture, self._index, stop=stop).run(table, self._sink, texts=self._texts)
        if self._sink is not None and found.repaired:
            self._captures.touch(capture.name)
        _tell(capture.name, found)
        return found


def _tell(capture: str, found: TableAudit) -> None:
    CDC_AUDIT_COMPARED.gauge().labels(capture, found.table).set(found.documents)
    counts = {
        "missing": found.missing,
        "orphaned": found.orphans,
        "different": found.different,
        "ahead": found.ahead,
    }
    for kind, count in counts.items():
        CDC_AUDIT_DIFFERENCES.gauge().labels(capture, found.table, kind).set(count)
    CDC_AUDIT_TIME.gauge().labels(capture, found.table).set_to_current_time()
