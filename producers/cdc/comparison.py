"""The rows of one table beside the documents that were made of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from freshet.errors import RejectedRecord, UnavailableError
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.document import Content, content_of
from producers.cdc.first_read import send_row
from producers.cdc.identity import document_id, prefix
from producers.cdc.index import Index, IndexedDocument
from producers.cdc.mapping import Upsert
from producers.cdc.rows import Row, TableReader
from producers.cdc.version import version_of
from producers.sink import Sink

Kind = Literal["missing", "orphan", "different", "ahead"]
SHOWN: Final = 20
_POLL_S: Final = 0.2
_REPORT_S: Final = 60.0

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class TableAudit:
    """``missing`` rows have no document, ``orphans`` no row, ``different`` another content, ``ahead`` a version from
    behind the log's end: the database was restored, and the capture's epoch has to be raised. Ids, at most SHOWN each.
    """

    table: str
    rows: int = 0
    documents: int = 0
    missing: int = 0
    orphans: int = 0
    different: int = 0
    ahead: int = 0
    refused: int = 0
    """Rows that make no document."""
    unsettled: int = 0
    """Of those above that differ, which were not looked at again for want of time: perhaps changes on their way."""
    repaired: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """How many differ and were not sent again."""
        return self.missing + self.orphans + self.different + self.ahead - self.repaired

    @property
    def clean(self) -> bool:
        return not (self.missing or self.orphans or self.different or self.ahead)

    def note(self, kind: Kind, name: str) -> None:
        shown = self.examples.setdefault(kind, [])
        if len(shown) < SHOWN:
            shown.append(name)


class Comparison:
    """``look``, then ``settle``, then perhaps ``repair``. Each blocks and raises FreshetError, also once stopped."""

    def __init__(
        self,
        capture: Capture,
        table: CapturedTable,
        reader: TableReader,
        index: Index,
        position: int,
        stop: threading.Event,
        *,
        texts: bool,
    ) -> None:
        """``position``: every row at or before it is there to be read. ``texts`` compares contents too."""
        self._capture = capture
        self._table = table
        self._reader = reader
        self._index = index
        self._position = position
        self._stop = stop
        self._texts = texts
        self._end = version_of(position, alive=True, epoch=capture.epoch)
        self._keys: dict[str, tuple[Any, ...]] = {}
        self._suspects: dict[str, Kind] = {}
        self._newer: dict[str, tuple[Any, ...]] | None = None
        self.found = TableAudit(table.table)

    def look(self) -> None:
        """Everything once; what differs is only suspected."""
        refused = set()
        for row in self._read():
            try:
                name = self._name(row)
            except RejectedRecord:
                self.found.refused += 1
                continue
            self._keys[name] = row.key
            if self._content(row) is None:
                refused.add(name)
        self.found.refused += len(refused)
        self.found.rows = len(self._keys) - len(refused)
        seen = set()
        for one in self._index.below(prefix(self._capture.name, self._table.table)):
            self._go_on()
            if one.version is None or one.deleted:
                continue
            seen.add(one.id)
            if one.id not in self._keys:
                self._suspects[one.id] = "orphan"
            elif one.version > self._end:
                self._suspects[one.id] = "ahead"
            elif self._texts and (kind := self._difference(one.id)) is not None:
                self._suspects[one.id] = kind
        self.found.documents = len(seen)
        self._suspects.update(dict.fromkeys(self._keys.keys() - seen - refused, "missing"))

    def settle(self, seconds: float) -> None:
        """Look at the suspects again until none is left, or the time is over."""
        deadline = time.monotonic() + seconds
        waiting = set(self._suspects)
        while self._suspects and time.monotonic() < deadline:
            self._newer = None
            for name in list(self._suspects):
                if time.monotonic() > deadline:
                    break
                kind = self._difference(name)
                waiting.discard(name)
                if kind is None:
                    del self._suspects[name]
                else:
                    self._suspects[name] = kind
            if self._suspects:
                self._stop.wait(_POLL_S)
                self._go_on()
        for name, kind in sorted(self._suspects.items()):
            self.found.note(kind, name)
        counts = list(self._suspects.values())
        self.found.missing, self.found.orphans = counts.count("missing"), counts.count("orphan")
        self.found.different, self.found.ahead = counts.count("different"), counts.count("ahead")
        self.found.unsettled = len(waiting)

    def repair(self, sink: Sink) -> None:
        """Send each difference as of the position: a change made since then wins over it."""
        reports: list[Future[Any]] = []
        for name in self._suspects:
            try:
                report = self._sent(name, sink)
            except RejectedRecord as rejection:
                _log.warning("%s cannot be sent again: %s", name, rejection)
                continue
            if report is not None:
                reports.append(report)
        for report in reports:
            report.result(_REPORT_S)
        self.found.repaired = len(reports)

    def _sent(self, name: str, sink: Sink) -> Future[Any] | None:
        version = version_of(self._position, alive=False, epoch=self._capture.epoch)
        row = self._row(name)
        if row is not None:
            return send_row(sink, self._capture, Upsert(name, version, content_of(self._table, row.values)))
        # Whose row was there has its delete in the log, and needs none from here.
        return None if name in self._keys else sink.delete(name, version, source=self._capture.name)

    def _difference(self, name: str) -> Kind | None:
        """What is wrong with it now, or None."""
        self._go_on()
        row, shown = self._row(name), self._index.document(name)
        if row is None:
            return None if shown is None else "ahead" if self._is_ahead(shown.version) else "orphan"
        content = self._content(row)
        if content is None:
            return None
        if shown is None:
            return "missing"
        if self._is_ahead(shown.version):
            return "ahead"
        return "different" if self._texts and not _shows(shown, content) else None

    def _is_ahead(self, version: int) -> bool:
        if version <= self._end:
            return False
        self._end = version_of(self._reader.log_end(), alive=True, epoch=self._capture.epoch)
        return version > self._end

    def _row(self, name: str) -> Row | None:
        """None where it is gone; one that cannot be read is there."""
        known = self._keys.get(name)
        if known is None:
            # It may have come after the first look, and an id cannot be taken apart into its key.
            known = self._new_keys().get(name)
        return None if known is None else self._reader.row_of(known)

    def _new_keys(self) -> dict[str, tuple[Any, ...]]:
        """Of rows that came since, read at most once for all suspects of a look."""
        if self._newer is None:
            self._newer = {}
            for row in self._read():
                try:
                    name = self._name(row)
                except RejectedRecord:
                    continue
                if name not in self._keys:
                    self._newer[name] = row.key
        return self._newer

    def _name(self, row: Row) -> str:
        return document_id(self._capture.name, self._table.table, row.key)

    def _content(self, row: Row) -> Content | None:
        """None where the row makes no document."""
        try:
            return content_of(self._table, row.values)
        except RejectedRecord:
            return None

    def _read(self) -> Iterator[Row]:
        for page in self._reader.pages():
            self._go_on()
            yield from page

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise UnavailableError("stopped while rows and documents were compared")


def _shows(shown: IndexedDocument, content: Content) -> bool:
    there = Content("", shown.metadata, shown.tenant)
    return there.digest() == Content("", content.metadata, content.tenant).digest() and covers(
        shown.chunks, content.text
    )


def covers(chunks: Sequence[str], text: str) -> bool:
    """Whether these are the chunks of the text, white space apart: in order, without a gap, perhaps overlapping."""
    whole = "".join(text.split())
    end = 0
    for chunk in chunks:
        bare = "".join(chunk.split())
        start = whole.rfind(bare, 0, end + len(bare))
        if start < 0:
            return False
        end = max(end, start + len(bare))
    return end == len(whole)
