"""What was last published of each document, so that a change which touches none of it is passed over."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple


class _State(NamedTuple):
    version: int
    digest: bytes
    whole: bool


_DELETED: Final = b""


class KnownContents:
    """Bounded; what it forgets is published, and then the job's cache still spares the model. Not thread-safe."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._states: OrderedDict[str, _State] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def is_news(self, document_id: str, version: int, digest: bytes, *, whole: bool = True) -> bool:
        """False where a version as high was published, or the last published one had the same content.

        Content that is not ``whole`` has columns that were read again, perhaps newer than the change: a whole change
        that says the same is news, as the index may have got the columns' older values meanwhile, from a first read.
        """
        before = self._states.get(document_id)
        if before is None:
            return True
        if version <= before.version:
            return False
        if before.digest != digest or (whole and not before.whole):
            return True
        self._keep(document_id, before._replace(version=version))
        return False

    def published(self, document_id: str, version: int, digest: bytes, *, whole: bool = True) -> None:
        self._keep(document_id, _State(version, digest, whole))

    def deleted(self, document_id: str, version: int) -> None:
        """Its content is gone: whatever comes next is news."""
        before = self._states.get(document_id)
        if before is None or before.version < version:
            self._keep(document_id, _State(version, _DELETED, True))

    def truncated(self, prefix: str, version: int) -> None:
        """Every document below ``prefix`` is deleted."""
        for name in [name for name in self._states if name.startswith(prefix)]:
            self.deleted(name, version)

    def clear(self) -> None:
        self._states.clear()

    def _keep(self, document_id: str, state: _State) -> None:
        self._states[document_id] = state
        self._states.move_to_end(document_id)
        while len(self._states) > self._capacity:
            self._states.popitem(last=False)
