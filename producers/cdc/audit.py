"""Compares the rows of a source with the documents in the index, and sends again what differs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from freshet.errors import RejectedRecord, UsageError
from producers.cdc.baseline import baseline
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database
from producers.cdc.document import Content, content_of
from producers.cdc.first_read import send_row
from producers.cdc.identity import document_id, prefix
from producers.cdc.index import Index, Indexed
from producers.cdc.mapping import Upsert
from producers.cdc.rows import Row, TableReader
from producers.cdc.version import version_of
from producers.sink import Sink

Kind = Literal["missing", "orphan", "different", "ahead"]
BASELINE_SECONDS: Final = 60.0
SHOWN: Final = 20
_POLL_S: Final = 0.2
_REPORT_S: Final = 60.0


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
    repaired: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return not (self.missing or self.orphans or self.different or self.ahead)

    def note(self, kind: Kind, name: str) -> None:
        shown = self.examples.setdefault(kind, [])
        if len(shown) < SHOWN:
            shown.append(name)


class Audit:
    """Blocks; raises FreshetError. Changes that come meanwhile are no difference: what differs is looked at again."""

    def __init__(self, capture: Capture, index: Index, settle_s: float = 10.0) -> None:
        self._capture = capture
        self._index = index
        self._settle_s = settle_s

    def run(self, table: CapturedTable, sink: Sink | None = None, *, texts: bool = True) -> TableAudit:
        """With a ``sink`` what differs is sent again. ``texts`` compares contents too, one request per document."""
        with Database(self._capture) as database:
            facts = table_facts(database, table.table)
            if facts is None:
                raise UsageError(f"there is no table {table.table}", "", "mend the capture")
            position = baseline(database, threading.Event(), BASELINE_SECONDS)
            comparison = _Comparison(self._capture, table, TableReader(database, table, facts), self._index, position)
            comparison.look(texts)
            comparison.settle(self._settle_s)
            if sink is not None and not comparison.found.ahead:
                comparison.repair(sink)
            return comparison.found


class _Comparison:
    def __init__(
        self, capture: Capture, table: CapturedTable, reader: TableReader, index: Index, position: int
    ) -> None:
        self._capture = capture
        self._table = table
        self._reader = reader
        self._index = index
        self._position = position
        self._rows: dict[str, tuple[Any, ...]] = {}
        self._suspects: dict[str, Kind] = {}
        self._newer: list[tuple[Any, ...]] | None = None
        self.found = TableAudit(table.table)

    def look(self, texts: bool) -> None:
        """Everything once; what differs is only suspected."""
        for row in self._read():
            name = self._name(tuple(self._key(row)))
            try:
                content_of(self._table, row.values)
            except RejectedRecord:
                self.found.refused += 1
                continue
            self._rows[name] = tuple(self._key(row))
        self.found.rows = len(self._rows)
        end = version_of(self._position, alive=True, epoch=self._capture.epoch)
        seen = set()
        for one in self._index.below(prefix(self._capture.name, self._table.table)):
            if one.version is None or one.deleted:
                continue
            seen.add(one.id)
            if one.id not in self._rows:
                self._suspects[one.id] = "orphan"
            elif texts and not self._same(one):
                self._suspects[one.id] = "different"
            if one.version > end and one.id not in self._suspects:
                self._suspects[one.id] = "ahead"
        self.found.documents = len(seen)
        self._suspects.update(dict.fromkeys(self._rows.keys() - seen, "missing"))

    def settle(self, seconds: float) -> None:
        """Look at the suspects again until none is left, or the time is over."""
        deadline = time.monotonic() + seconds
        while self._suspects:
            self._newer = None
            again = {name: self._again(name, kind) for name, kind in self._suspects.items()}
            self._suspects = {name: kind for name, kind in again.items() if kind is not None}
            if time.monotonic() > deadline:
                break
            if self._suspects:
                time.sleep(_POLL_S)
        for name, kind in sorted(self._suspects.items()):
            self.found.note(kind, name)
        counts = list(self._suspects.values())
        self.found.missing, self.found.orphans = counts.count("missing"), counts.count("orphan")
        self.found.different, self.found.ahead = counts.count("different"), counts.count("ahead")

    def repair(self, sink: Sink) -> None:
        """Send each difference as of the position: a change made since then wins over it."""
        reports: list[Future[Any]] = []
        version = version_of(self._position, alive=False, epoch=self._capture.epoch)
        for name, kind in self._suspects.items():
            row = self._current(name)
            if kind == "orphan" and row is None:
                reports.append(sink.delete(name, version, source=self._capture.name))
            elif row is not None:
                reports.append(send_row(sink, self._capture, Upsert(name, version, content_of(self._table, row))))
        for report in reports:
            report.result(_REPORT_S)
        self.found.repaired = len(reports)

    def _again(self, name: str, kind: Kind) -> Kind | None:
        """What is still wrong with it, or None."""
        row = self._current(name)
        shown = self._index.chunks(name)
        if row is None:
            return "orphan" if shown is not None else None
        if shown is None:
            return "missing"
        if kind == "ahead":
            return self._still_ahead(shown[0])
        if kind == "different":
            one = next((one for one in self._index.below(name) if one.id == name), None)
            return None if one is not None and self._same(one) else "different"
        return None

    def _still_ahead(self, version: int) -> Kind | None:
        end = version_of(self._reader.log_end(), alive=True, epoch=self._capture.epoch)
        return "ahead" if version > end else None

    def _current(self, name: str) -> dict[str, Any] | None:
        known = self._rows.get(name)
        if known is None:
            # It may have come after the first look, and an id cannot be taken apart into its key.
            known = next((key for key in self._new_keys() if self._name(key) == name), None)
        return None if known is None else self._reader.by_key(known)

    def _new_keys(self) -> Iterator[tuple[Any, ...]]:
        """Of rows that came since, read at most once for all suspects of a look."""
        if self._newer is None:
            self._newer = [key for row in self._read() if self._name(key := tuple(self._key(row))) not in self._rows]
        return iter(self._newer)

    def _name(self, key: tuple[Any, ...]) -> str:
        return document_id(self._capture.name, self._table.table, key)

    def _same(self, one: Indexed) -> bool:
        """Whether the index shows the row's present content; also where the row is gone by now."""
        row, shown = self._current(one.id), self._index.chunks(one.id)
        if row is None or shown is None:
            return row is None and shown is None
        try:
            content = content_of(self._table, row)
        except RejectedRecord:
            return True
        if Content("", one.metadata, one.tenant).digest() != Content("", content.metadata, content.tenant).digest():
            return False
        return covers(shown[1], content.text)

    def _read(self) -> Iterator[Row]:
        for page in self._reader.pages():
            yield from page

    def _key(self, row: Row) -> list[Any]:
        return [row.values[column] for column in self._table.key]


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


def audit_tables(
    capture: Capture, tables: Iterable[CapturedTable], run: Callable[[CapturedTable], TableAudit]
) -> list[TableAudit]:
    """One after the other. Raises UsageError for a capture without tables."""
    found = [run(table) for table in tables]
    if not found:
        raise UsageError(f"the capture {capture.name} has no tables to compare", "an outbox keeps no rows", "")
    return found
