"""TRUNCATE: every document of the table is deleted, also those that were still on their way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final, Protocol

from freshet.errors import FreshetError, UnavailableError
from producers.cdc.capture import Capture
from producers.cdc.index import Indexed
from producers.cdc.mapping import Truncate
from producers.cdc.truncated import TruncatedTables
from producers.sink import Sink

_RETRY_S: Final = 0.5

_log: Final = logging.getLogger(__name__)


class Listing(Protocol):
    """What the index holds; ``Index`` is one."""

    def below(self, prefix: str) -> Iterable[Indexed]:
        """Raises UnavailableError."""


class Waiting(Protocol):
    """``Passage`` is one."""

    def wait(self) -> bool:
        """Block until what was sent can be found; False when stopped before."""


class Truncations:
    """Sweeps in a thread of its own, one after the other; a sweep's future is done when nothing is left."""

    def __init__(
        self, sink: Sink, index: Listing, passage: Waiting, tables: TruncatedTables, stop: threading.Event
    ) -> None:
        self._sink = sink
        self._index = index
        self._passage = passage
        self._tables = tables
        self._stop = stop
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="freshet-cdc-truncate")

    def sweep(
        self, capture: Capture, truncate: Truncate, committed_ns: int, before: Sequence[Future[Any]]
    ) -> Future[None]:
        """Returns at once. ``before`` are the reports of the table's changes that were sent before it."""
        rows = self._tables.truncate(truncate.prefix, truncate.version)
        return self._pool.submit(self._sweep, capture, truncate, committed_ns, [*before, *rows])

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _sweep(self, capture: Capture, truncate: Truncate, committed_ns: int, before: Sequence[Future[Any]]) -> None:
        # In this order: what was sent before is in the listing, and what comes later is newer.
        if self._reported(before) and self._passage.wait():
            while not self._stop.is_set():
                try:
                    gone = [
                        one.id
                        for one in self._index.below(truncate.prefix)
                        if not one.deleted and one.version is not None and one.version < truncate.version
                    ]
                except UnavailableError as error:
                    _log.warning("listing the documents of a truncated table: %s", error)
                    self._stop.wait(_RETRY_S)
                    continue
                self._delete(capture, gone, truncate.version, committed_ns)
                _log.info("%s: deleted %d documents below %s", capture.name, len(gone), truncate.prefix)
                return
        # Its offset must not count as done.
        raise FreshetError("stopped while a truncated table was swept", "", "the next start goes on")

    def _reported(self, reports: Sequence[Future[Any]]) -> bool:
        while wait(reports, _RETRY_S).not_done:
            if self._stop.is_set():
                return False
        return True

    def _delete(self, capture: Capture, names: Sequence[str], version: int, committed_ns: int) -> None:
        reports = [self._sink.delete(name, version, source=capture.name, committed_ns=committed_ns) for name in names]
        for report in reports:
            report.result()
