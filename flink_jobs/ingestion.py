"""What happens to one ``documents`` record: decode, guard, chunk, embed. Knows nothing of Flink."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from flink_jobs.guard import VersionGuard
from freshet.chunking import Chunker
from freshet.clock import Clock, wall_clock
from freshet.codec import decode_document, encode_embedding
from freshet.embedding import Embedder
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


class Ingestion:
    """Not thread-safe: one per subtask."""

    def __init__(
        self,
        embedder: Embedder,
        chunker: Chunker,
        guard: VersionGuard,
        *,
        as_json: bool = False,
        clock: Clock = wall_clock,
    ) -> None:
        self._embedder = embedder
        self._chunker = chunker
        self._guard = guard
        self._as_json = as_json
        self._clock = clock
        self._failures = 0
        self._records = JOB_RECORDS.counter()
        self._dead = DEAD.counter()

    def process(self, key: bytes | None, value: bytes | None) -> Iterator[Embedded | Dead]:
        """The records that one change leads to, made one by one as they are asked for. Never raises for bad input.

        Raises UnavailableError where the model cannot answer, and after MAX_FAILURES_IN_A_ROW records that failed for a
        reason nobody foresaw, what the last of them raised.
        """
        try:
            event = decode_document(value, key)
            if not self._guard.admits(event.id, event.version):
                self._records.labels("stale").inc()
                return
            for record in self._records_of(event):
                yield Embedded(event.id.encode(), encode_embedding(record, as_json=self._as_json), self._clock())
            if event.part == 0 and event.last:
                # Of a text in parts nobody here knows whether the others came through.
                self._guard.passed(event.id, event.version)
            self._records.labels(event.op).inc()
            self._failures = 0
        except RejectedRecord as rejection:
            yield self._reject(rejection.reason, rejection.detail)
        except UnavailableError:
            # The model is away: no fault of the record. The job fails, and reads it again from the last checkpoint.
            raise
        except Exception as error:
            self._failures += 1
            if self._failures >= MAX_FAILURES_IN_A_ROW:
                raise
            log.exception("unexpected failure on a record, %d in a row", self._failures)
            yield self._reject("internal-error", f"{type(error).__name__}: {error}")

    def _records_of(self, event: DocumentEvent) -> Iterator[EmbeddingRecord]:
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
            model=self._embedder.model,
            revision=self._embedder.revision,
        )
        chunks = self._chunker.chunks(event.text) if event.text else []
        if not chunks:
            yield base
        for number, text in enumerate(chunks):
            vector = self._embedder.embed((text,))[0]
            yield msgspec.structs.replace(
                base, chunk=number, chunks=len(chunks), text=text, vector=vector.astype(np.dtype("<f4")).tobytes()
            )

    def _reject(self, reason: str, detail: str) -> Dead:
        self._dead.labels(STAGE, reason).inc()
        self._records.labels("dead").inc()
        return Dead(reason, detail[:1000])
