"""Spares the model work on versions that are already out of date."""

from __future__ import annotations

from collections import OrderedDict


class VersionGuard:
    """Remembers the highest version of the most recently seen documents.

    It only saves work: what it forgets, or never knew after a restart, the consumer's guard still refuses.
    """

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = capacity
        self._versions: OrderedDict[str, int] = OrderedDict()

    def admits(self, document_id: str, version: int) -> bool:
        """False for a version below the highest seen of this id. The same version again is admitted: a replay."""
        seen = self._versions.get(document_id, -1)
        self._versions[document_id] = max(seen, version)
        self._versions.move_to_end(document_id)
        if len(self._versions) > self._capacity:
            self._versions.popitem(last=False)
        return version >= seen
