"""TRUNCATE: every document of the table is deleted, also those that were still on their way."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from freshet.errors import FreshetError
from freshet.settings import KafkaSettings
from freshet.stack.lag import lags
from producers.cdc.capture import Capture
from producers.cdc.index import Index
from producers.cdc.mapping import Truncate
from producers.sink import Sink

_RETRY_S: Final = 0.5
_REPORT_S: Final = 60.0

_log: Final = logging.getLogger(__name__)


class Truncations:
    """Sweeps in a thread of its own, one after the other; a sweep's future is done when nothing is left."""

    def __init__(self, sink: Sink, index: Index, kafka: KafkaSettings, stop: threading.Event) -> None:
        self._sink = sink
        self._index = index
        self._kafka = kafka
        self._stop = stop
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="freshet-cdc-truncate")

    def sweep(self, capture: Capture, truncate: Truncate, committed_ns: int) -> Future[None]:
        """Returns at once."""
        return self._pool.submit(self._sweep, capture, truncate, committed_ns)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _sweep(self, capture: Capture, truncate: Truncate, committed_ns: int) -> None:
        settled = False
        while not self._stop.is_set():
            # In this order: what was on its way before the listing is then in it.
            caught_up = self._caught_up()
            deleted = self._delete(capture, truncate, committed_ns)
            if caught_up and not deleted and settled:
                return
            settled = caught_up and not deleted
            self._stop.wait(_RETRY_S)
        # Its offset must not count as done.
        raise FreshetError("stopped while a truncated table was swept", "", "the next start goes on")

    def _caught_up(self) -> bool:
        try:
            return sum(lags(self._kafka).values()) == 0
        except FreshetError:
            return False

    def _delete(self, capture: Capture, truncate: Truncate, committed_ns: int) -> int:
        try:
            gone = [
                one.id
                for one in self._index.below(truncate.prefix)
                if not one.deleted and one.version is not None and one.version < truncate.version
            ]
        except FreshetError as error:
            _log.warning("listing the documents of a truncated table: %s", error)
            return 1
        reports = [
            self._sink.delete(name, truncate.version, source=capture.name, committed_ns=committed_ns) for name in gone
        ]
        deadline = time.monotonic() + _REPORT_S
        for report in reports:
            report.result(max(0.1, deadline - time.monotonic()))
        return len(gone)
