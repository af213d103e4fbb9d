"""One ``documents`` record with the model at hand: decode, guard, chunk, embed. Knows nothing of Flink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from flink_jobs.guard import VersionGuard
from flink_jobs.intake import MAX_FAILURES_IN_A_ROW, STAGE, Dead, Embedded, Intake, whole
from freshet.chunking import Chunker
from freshet.clock import Clock, wall_clock
from freshet.codec import encode_embedding
from freshet.embedding import Embedder

__all__ = ["MAX_FAILURES_IN_A_ROW", "STAGE", "Dead", "Embedded", "Ingestion"]


class Ingestion:
    """Not thread-safe: one per subtask."""

    def __init__(
        self,
        embedder: Embedder,
        chunker: Chunker,
        guard: VersionGuard,
        *,
        as_json: bool = False,
        context: int = 0,
        clock: Clock = wall_clock,
    ) -> None:
        """``context``: so many earlier messages of its conversation are embedded with each."""
        self._embedder = embedder
        self._guard = guard
        self._intake = Intake(embedder.model, embedder.revision, chunker, guard, context)
        self._as_json = as_json
        self._clock = clock

    def process(
        self, key: bytes | None, value: bytes | None, arrivals: Sequence[bytes | None] = ()
    ) -> Iterator[Embedded | Dead]:
        """The records that one change leads to, made one by one as they are asked for. Never raises for bad input.

        ``arrivals`` is what came of its conversation. Raises UnavailableError where the model cannot answer, and after
        MAX_FAILURES_IN_A_ROW records that failed for a reason nobody foresaw, what the last of them raised.
        """
        try:
            event = self._intake.read(key, value)
            if event is None:
                return
            for piece in self._intake.pieces(event, arrivals):
                record = piece.record
                if piece.text:
                    vector = self._embedder.embed((piece.text,))[0]
                    record = msgspec.structs.replace(record, vector=vector.astype(np.dtype("<f4")).tobytes())
                yield Embedded(event.id.encode(), encode_embedding(record, as_json=self._as_json), self._clock())
            if whole(event):
                # Only now: a version that failed must not stop an older one.
                self._guard.passed(event.id, event.version)
            self._intake.done(event)
        except Exception as error:
            yield self._intake.refused(error)
