"""What was last published of each document, so that a change which touches none of it is passed over."""

from __future__ import annotations

from collections import OrderedDict

_DELETED = b""


class KnownContents:
    """Bounded; what it forgets is published, and then the job's cache still spares the model. Not thread-safe."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._contents: OrderedDict[str, tuple[int, bytes]] = OrderedDict()

    def is_news(self, document_id: str, version: int, digest: bytes) -> bool:
        """False where a version as high was published, or the last published one had the same content."""
        before = self._contents.get(document_id)
        if before is not None and version <= before[0]:
            return False
        self._contents[document_id] = (version, digest)
        self._contents.move_to_end(document_id)
        if len(self._contents) > self._capacity:
            self._contents.popitem(last=False)
        return before is None or before[1] != digest

    def deleted(self, document_id: str, version: int) -> None:
        """Its content is gone: whatever comes next is news."""
        before = self._contents.get(document_id)
        if before is None or before[0] < version:
            self._contents[document_id] = (version, _DELETED)
            self._contents.move_to_end(document_id)

    def clear(self) -> None:
        self._contents.clear()
