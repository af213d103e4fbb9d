"""Says to the pipeline what a change means."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Final

from freshet.errors import RejectedRecord
from freshet.metrics import CDC_CHANGES
from producers.cdc.capture import Capture
from producers.cdc.known import KnownContents
from producers.cdc.mapping import Delete, Truncate, Upsert
from producers.cdc.refusal import refuse_change
from producers.cdc.sending import send
from producers.sink import Sink

_changes: Final = CDC_CHANGES.counter()


class Voice:
    """Not thread-safe, as what is known is not."""

    def __init__(self, sink: Sink, known: KnownContents) -> None:
        self._sink = sink
        self._known = known

    def upsert(self, capture: Capture, upsert: Upsert, committed_ns: int, *, whole: bool = True) -> list[Future[Any]]:
        """Nothing where its content is that of the version before. Raises RejectedRecord.

        ``whole``: the change itself had every column, none was read again.
        """
        digest = upsert.content.digest()
        if not self._known.is_news(upsert.id, upsert.version, digest, whole=whole):
            self.unchanged(capture)
            return []
        report = send(self._sink, capture, upsert, committed_ns)
        self._known.published(upsert.id, upsert.version, digest, whole=whole)
        _changes.labels(capture.name, "published").inc()
        return [report]

    def delete(self, capture: Capture, delete: Delete, committed_ns: int) -> list[Future[Any]]:
        """Raises RejectedRecord."""
        report = self._sink.delete(delete.id, delete.version, source=capture.name, committed_ns=committed_ns)
        self._known.deleted(delete.id, delete.version)
        _changes.labels(capture.name, "deleted").inc()
        return [report]

    def truncated(self, truncate: Truncate) -> None:
        """Whatever comes next of the table is news, also what was there before."""
        self._known.truncated(truncate.prefix, truncate.version)

    def unchanged(self, capture: Capture) -> None:
        _changes.labels(capture.name, "unchanged").inc()

    def superseded(self, capture: Capture) -> None:
        """The row is gone: its delete follows."""
        _changes.labels(capture.name, "superseded").inc()

    def refuse(
        self, capture: str, place: tuple[str, int, int], key: bytes | None, value: bytes | None, why: RejectedRecord
    ) -> list[Future[Any]]:
        """To dead letters."""
        return [refuse_change(self._sink, capture, place, key, value, why)]

    def forget(self) -> None:
        """What is known: another may publish from now on."""
        self._known.clear()
