"""Says to the pipeline what a change means."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Final

from freshet.dead_letters import DeadLetter
from freshet.errors import RejectedRecord
from freshet.metrics import CDC_CHANGES, DEAD
from freshet.topics import MAX_RECORD_BYTES
from producers.cdc.capture import Capture
from producers.cdc.known import KnownContents
from producers.cdc.mapping import Delete, Upsert
from producers.cdc.sending import send
from producers.sink import Sink

STAGE: Final = "cdc"
_changes: Final = CDC_CHANGES.counter()
_dead: Final = DEAD.counter()


class Voice:
    """Not thread-safe, as what is known is not."""

    def __init__(self, sink: Sink, known: KnownContents) -> None:
        self._sink = sink
        self._known = known

    def upsert(self, capture: Capture, upsert: Upsert, committed_ns: int) -> list[Future[Any]]:
        """Nothing where its content is that of the version before. Raises RejectedRecord."""
        if not self._known.is_news(upsert.id, upsert.version, upsert.content.digest()):
            self.unchanged(capture)
            return []
        _changes.labels(capture.name, "published").inc()
        return [send(self._sink, capture, upsert, committed_ns)]

    def delete(self, capture: Capture, delete: Delete, committed_ns: int) -> list[Future[Any]]:
        self._known.deleted(delete.id, delete.version)
        _changes.labels(capture.name, "deleted").inc()
        return [self._sink.delete(delete.id, delete.version, source=capture.name, committed_ns=committed_ns)]

    def unchanged(self, capture: Capture) -> None:
        _changes.labels(capture.name, "unchanged").inc()

    def superseded(self, capture: Capture) -> None:
        """The row is gone: its delete follows."""
        _changes.labels(capture.name, "superseded").inc()

    def refuse(
        self, capture: str, place: tuple[str, int, int], key: bytes | None, value: bytes | None, why: RejectedRecord
    ) -> list[Future[Any]]:
        """To dead letters as it came; what is too large for them without its value."""
        topic, partition, offset = place
        detail = why.detail
        if value is not None and len(value) > MAX_RECORD_BYTES:
            detail = f"{detail}; its value of {len(value)} bytes is left out: `freshet audit {capture} --repair`"
            value = None
        _changes.labels(capture, "dead").inc()
        _dead.labels(STAGE, why.reason).inc()
        letter = DeadLetter(
            key=key,
            value=value,
            stage=STAGE,
            reason=why.reason,
            detail=detail,
            topic=topic,
            partition=partition,
            offset=offset,
        )
        return [self._sink.dead_letter(letter)]
