"""Spares the model work on versions that are already out of date."""

from __future__ import annotations

import threading
from collections import OrderedDict


class VersionGuard:
    """Remembers the highest version that went through whole, of the most recently seen documents.

    It only saves work: what it forgets, or never knew after a restart, the consumer's guard still refuses.
    Safe to call from several threads.
    """

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = capacity
        self._versions: OrderedDict[str, int] = OrderedDict()
        self._changing = threading.Lock()

    def admits(self, document_id: str, version: int) -> bool:
        """False for a version below one that went through. The same version again is admitted: a replay."""
        return version >= self._versions.get(document_id, -1)

    def passed(self, document_id: str, version: int) -> None:
        """All of this version was made. To be told only then: one that failed must not stop an older one."""
        with self._changing:
            self._versions[document_id] = max(self._versions.get(document_id, -1), version)
            self._versions.move_to_end(document_id)
            if len(self._versions) > self._capacity:
                self._versions.popitem(last=False)

    def forget(self) -> None:
        """All of it."""
        with self._changing:
            self._versions.clear()
