"""Rows that are there already: read beside the live changes, and sent no faster than they become searchable."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from typing import Any, Final

from freshet.errors import FreshetError, RejectedRecord, UnavailableError
from freshet.metrics import CDC_ROWS
from producers.cdc.baseline import baseline
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import table_facts
from producers.cdc.connect_api import ConnectApi
from producers.cdc.connector import connector_config
from producers.cdc.database import Database
from producers.cdc.document import content_of
from producers.cdc.identity import document_id, prefix
from producers.cdc.index import Index
from producers.cdc.mapping import Upsert
from producers.cdc.pace import Pace
from producers.cdc.progress import Progress
from producers.cdc.publication import unpublished
from producers.cdc.refusal import refuse_row
from producers.cdc.rows import PAGE_SECONDS, Row, TableReader
from producers.cdc.sending import send
from producers.cdc.slot import slot_is_read
from producers.cdc.truncated import TruncatedTables
from producers.cdc.version import version_of
from producers.sink import Sink

_REPORT_S: Final = 60.0
_STEADY_S: Final = 2.0

_log: Final = logging.getLogger(__name__)
_rows: Final = CDC_ROWS.counter()


class FirstRead:
    """Reads every captured table once, and again when its definition changed. One thread for each capture."""

    def __init__(
        self,
        sink: Sink,
        index: Index,
        progress: Progress,
        truncated: TruncatedTables,
        connect_url: str,
        stop: threading.Event,
    ) -> None:
        self._connect_url = connect_url
        self._since: dict[str, float] = {}
        self._said: dict[tuple[str, str], str] = {}
        self._sink = sink
        self._index = index
        self._progress = progress
        self._truncated = truncated
        self._stop = stop

    def pending(self, capture: Capture) -> bool:
        """Whether a table is not read to its end. Of other databases than PostgreSQL a snapshot brings the rows."""
        return capture.kind == "postgresql" and any(
            not self._progress.of(capture, table).done for table in capture.tables
        )

    def run(self, capture: Capture) -> None:
        """Blocks until all is read, or cannot be at present: then it is told, and the next call tries again. Waits for
        open transactions without an end.
        """
        for table in capture.tables:
            if self._stop.is_set():
                return
            if self._progress.of(capture, table).done:
                continue
            place = (capture.name, table.table)
            try:
                self._read(capture, table)
                self._said.pop(place, None)
            except FreshetError as error:
                if self._said.get(place) != str(error):
                    _log.warning("reading %s of %s: %s", table.table, capture.name, error)
                    self._said[place] = str(error)

    def _read(self, capture: Capture, table: CapturedTable) -> None:
        with Database(capture, statement_s=PAGE_SECONDS) as database:
            if not self._captures_changes(database, capture):
                return
            facts = table_facts(database, table.table)
            if facts is None:
                raise UnavailableError("there is no such table")
            progress = self._progress.of(capture, table)
            if not progress.baseline:
                progress.baseline = baseline(
                    database, self._stop, waiting=lambda oldest: _log.info("%s waits for %s", capture.name, oldest)
                )
            reader = TableReader(database, table, facts)
            pace = Pace(self._index, self._stop)
            for page in reader.pages(progress.after):
                reports = [self._send(capture, table, row, progress.baseline, pace) for row in page]
                for report in reports:
                    if report is not None:
                        report.result(_REPORT_S)
                if self._stop.is_set():
                    return
                progress.after = page[-1].place
                progress.rows += len(page)
                self._progress.write(capture, table, progress)
            progress.done = True
            self._progress.write(capture, table, progress)
            _log.info("read %d rows of %s of %s", progress.rows, table.table, capture.name)

    def _captures_changes(self, database: Database, capture: Capture) -> bool:
        """Whether the connector reads the log by the present definition, and has for a while.

        A task by an older one, which passes over the changes of a new table, may be on its way out.
        """
        with ConnectApi(self._connect_url, timeout=5) as api:
            name = api.connector_of(capture)
            state, config = api.state(name), api.task_config(name)
        wanted = connector_config(capture)["table.include.list"]
        reads = slot_is_read(database, capture)
        runs = state is not None and state.runs and config is not None and config.get("table.include.list") == wanted
        if not (reads and runs) or unpublished(database, capture):
            self._since.pop(capture.name, None)
            return False
        return time.monotonic() - self._since.setdefault(capture.name, time.monotonic()) >= _STEADY_S

    def _send(self, capture: Capture, table: CapturedTable, row: Row, position: int, pace: Pace) -> Future[Any] | None:
        if self._stop.is_set():
            return None
        try:
            upsert = row_upsert(capture, table, row, position)
            # Else a row of a page that was read before the TRUNCATE would stand for ever.
            report = self._truncated.send(
                prefix(capture.name, table.table), upsert.version, lambda: send_row(self._sink, capture, upsert)
            )
        except (RejectedRecord, RecursionError) as error:
            why = error if isinstance(error, RejectedRecord) else RejectedRecord("invalid-value", str(error))
            _log.warning("refused a row of %s with key %s: %s", table.table, row.place, why)
            return refuse_row(self._sink, capture.name, table.table, row.place, why)
        if report is not None:
            pace.sent(upsert)
        return report


def row_upsert(capture: Capture, table: CapturedTable, row: Row, position: int) -> Upsert:
    """A row that was read, as a document. Raises RejectedRecord."""
    name = document_id(capture.name, table.table, row.key)
    return Upsert(name, version_of(position, alive=False, epoch=capture.epoch), content_of(table, row.values))


def send_row(sink: Sink, capture: Capture, upsert: Upsert) -> Future[Any]:
    """Raises RejectedRecord."""
    _rows.labels(capture.name).inc()
    return send(sink, capture, upsert)
