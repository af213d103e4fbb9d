"""The half of the ML_PREDICT route before the model: what it is to embed, and what needs no model and goes along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from flink_jobs.intake import Dead, Intake
from freshet.codec import encode_embedding
from freshet.embedding.cached import KeptVectors
from freshet.errors import RejectedRecord
from freshet.ids import content_hash
from freshet.metrics import EMBEDDED

NOTHING = "-"
"""The text of a row that the model has nothing to do for. ML_PREDICT drops a row without a text, and a row that went
another way would overtake those before it."""
MAX_FINISHED_BYTES = 256 * 1024
"""Of records that go along with one row: it waits in memory and in checkpoints."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One row through the model, and so one request.

    ``finished`` are records that are whole: deletes, empty texts, and chunks whose vectors the cache knows. ``record``
    comes behind them, and lacks the vector of ``text``. ``dead`` comes last.
    """

    text: str = NOTHING
    finished: tuple[bytes, ...] = ()
    record: bytes | None = None
    dead: Dead | None = None


class Preparation:
    """Not thread-safe: one per subtask."""

    def __init__(self, intake: Intake, cache: KeptVectors) -> None:
        self._intake = intake
        self._cache = cache
        self._embedded = EMBEDDED.counter()

    def process(
        self, key: bytes | None, value: bytes | None, arrivals: Sequence[bytes | None] = ()
    ) -> Iterator[Prepared]:
        """Rows for the model, in the order that their records must keep. Raises as Ingestion.process does."""
        finished: list[bytes] = []
        try:
            event = self._intake.read(key, value)
            if event is None:
                return
            for piece in self._intake.pieces(event, arrivals):
                vector = self._known(piece.text) if piece.text else b""
                if vector is None:
                    yield Prepared(piece.text, tuple(finished), encode_embedding(piece.record))
                    finished.clear()
                    continue
                finished.append(encode_embedding(msgspec.structs.replace(piece.record, vector=vector)))
                if sum(map(len, finished)) > MAX_FINISHED_BYTES:
                    yield Prepared(finished=tuple(finished))
                    finished.clear()
            self._intake.done(event)
            if finished:
                yield Prepared(finished=tuple(finished))
        except Exception as error:
            yield Prepared(finished=tuple(finished), dead=self._intake.refused(error))

    def _known(self, text: str) -> bytes | None:
        try:
            key = content_hash(text)
        except UnicodeEncodeError as error:
            raise RejectedRecord("bad-text", f"not valid Unicode: {error}") from error
        vector = self._cache.get_many((key,)).get(key)
        self._embedded.labels("model" if vector is None else "cache").inc()
        return None if vector is None else vector.astype(np.dtype("<f4")).tobytes()
