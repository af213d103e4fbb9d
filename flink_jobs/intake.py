"""What a ``documents`` record leads to wherever the model runs: decode, guard, cut. Knows nothing of Flink."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from flink_jobs.conversation import preceding, with_context
from flink_jobs.guard import VersionGuard
from freshet.chunking import Chunker
from freshet.codec import decode_document
from freshet.errors import RejectedRecord, UnavailableError
from freshet.events import DocumentEvent, EmbeddingRecord
from freshet.metrics import DEAD, JOB_RECORDS

STAGE = "flink-job"
MAX_FAILURES_IN_A_ROW = 10
"""Unexpected errors before the job fails instead: a bad deploy must not drain the topic into dead letters."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Embedded:
    """A value for ``vector-embeddings``, and when its vector was had (ns since the epoch)."""

    key: bytes
    value: bytes
    at: int


@dataclass(frozen=True, slots=True)
class Dead:
    """The record goes to ``dead-letters`` as it came, for this reason."""

    reason: str
    detail: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """A record for ``vector-embeddings`` that lacks but its vector: the one of ``text``; none where that is empty."""

    record: EmbeddingRecord
    text: str


class Intake:
    """Not thread-safe: one per subtask."""

    def __init__(self, model: str, revision: str, chunker: Chunker, guard: VersionGuard, context: int = 0) -> None:
        """``context``: so many earlier messages of its conversation are embedded with each."""
        self._model = model
        self._revision = revision
        self._chunker = chunker
        self._guard = guard
        self._context = context
        self._failures = 0
        self._records = JOB_RECORDS.counter()

    def read(self, key: bytes | None, value: bytes | None) -> DocumentEvent | None:
        """None for a version that is out of date. Raises RejectedRecord."""
        event = decode_document(value, key)
        if self._guard.admits(event.id, event.version):
            return event
        self._records.labels("stale").inc()
        return None

    def pieces(self, event: DocumentEvent, arrivals: Sequence[bytes | None] = ()) -> Iterator[Piece]:
        """In order, made as they are asked for. ``arrivals``: what came of its conversation, the newest last."""
        base = EmbeddingRecord(
            id=event.id,
            op=event.op,
            version=event.version,
            part=event.part,
            last=event.last,
            metadata=event.metadata,
            tenant=event.tenant,
            source=event.source,
            occurred_at=event.occurred_at,
            model=self._model,
            revision=self._revision,
        )
        chunks = self._chunker.chunks(event.text) if event.text else []
        if not chunks:
            yield Piece(base, "")
            return
        before = preceding(event, arrivals, self._context) if self._context else []
        for number, text in enumerate(chunks):
            record = msgspec.structs.replace(base, chunk=number, chunks=len(chunks), text=text)
            yield Piece(record, with_context(text, before, self._chunker))

    def done(self, event: DocumentEvent) -> None:
        """All of its pieces were made."""
        self._records.labels(event.op).inc()
        self._failures = 0

    def refused(self, error: Exception) -> Dead:
        """What becomes of a record that raised this. Raises it again where it is no fault of the record."""
        if isinstance(error, RejectedRecord):
            return dead(error.reason, error.detail)
        if isinstance(error, UnavailableError):
            # The model is away. The job fails, and reads the record again from the last checkpoint.
            raise error
        self._failures += 1
        if self._failures >= MAX_FAILURES_IN_A_ROW:
            raise error
        log.error("unexpected failure on a record, %d in a row", self._failures, exc_info=error)
        return dead("internal-error", f"{type(error).__name__}: {error}")


def whole(record: EmbeddingRecord | DocumentEvent) -> bool:
    """Whether its version is this one part: of a text in parts nobody here knows whether the others came through."""
    return record.part == 0 and record.last


def dead(reason: str, detail: str, attempts: int = 1) -> Dead:
    """A dead letter, counted."""
    DEAD.counter().labels(STAGE, reason).inc()
    JOB_RECORDS.counter().labels("dead").inc()
    return Dead(reason, detail[:1000], attempts)
