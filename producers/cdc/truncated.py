"""Which tables were truncated, so that rows that were read before are not sent behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class TruncatedTables:
    """Tables by the prefix of their documents' ids. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[str, int] = {}
        self._sent: dict[str, set[Future[Any]]] = {}

    def send(self, prefix: str, version: int, send: Callable[[], Future[Any]]) -> Future[Any] | None:
        """Send a row that was read as of ``version``, unless its table was truncated since."""
        with self._lock:
            if version < self._versions.get(prefix, -1):
                return None
            report = send()
            sent = self._sent.setdefault(prefix, set())
            sent.add(report)
        report.add_done_callback(sent.discard)
        return report

    def truncate(self, prefix: str, version: int) -> list[Future[Any]]:
        """No older row is sent from now on. Returns the reports, not there yet, of those that were."""
        with self._lock:
            self._versions[prefix] = max(version, self._versions.get(prefix, -1))
            return list(self._sent.get(prefix, ()))
