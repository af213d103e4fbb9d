"""The half of the ML_PREDICT route behind the model: its answer becomes a record, its failure a dead letter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from flink_jobs.guard import VersionGuard
from flink_jobs.intake import Dead, Embedded, dead, whole
from freshet.clock import Clock, wall_clock
from freshet.codec import decode_embedding, encode_embedding
from freshet.embedding.cached import KeptVectors
from freshet.errors import RejectedRecord
from freshet.events import EmbeddingRecord
from freshet.ids import content_hash
from freshet.metrics import EMBED_FAILURES

Place = tuple[int, int]
"""Partition and offset of the ``documents`` record that a row came from."""

_RETRIED = frozenset({408, 409, 429})
"""Statuses that the provider's client tries again, beside 5xx and a connection that fails."""
_UNIT_TOLERANCE = 1e-4


class Assembly:
    """Not thread-safe: one per subtask. It sees a subtask's rows in the order in which they were prepared."""

    def __init__(
        self,
        guard: VersionGuard,
        cache: KeptVectors,
        dimension: int,
        retries: int,
        *,
        as_json: bool = False,
        clock: Clock = wall_clock,
    ) -> None:
        """``guard`` learns what went through whole; ``cache`` gets each vector; ``retries`` is the client's bound."""
        self._guard = guard
        self._cache = cache
        self._dimension = dimension
        self._retries = retries
        self._as_json = as_json
        self._clock = clock
        self._dead_place: Place | None = None
        self._failures = EMBED_FAILURES.counter()

    def process(
        self,
        place: Place,
        text: str,
        finished: Sequence[bytes],
        record: bytes | None,
        refused: Dead | None,
        vector: Sequence[float] | None,
        error: str | None,
        status: int | None,
    ) -> Iterator[Embedded | Dead]:
        """A row's records, in order. Of a ``documents`` record that is dead already, nothing more comes."""
        if place == self._dead_place:
            return
        for one in finished:
            yield self._written(decode_embedding(one))
        if record is not None:
            try:
                made = self._vector(vector, error, status)
            except RejectedRecord as rejection:
                self._dead_place = place
                self._failures.inc()
                yield dead(rejection.reason, rejection.detail, self._attempts(error, status))
                return
            self._cache.put_many({content_hash(text): made})
            yield self._written(msgspec.structs.replace(decode_embedding(record), vector=made.tobytes()))
        if refused is not None:
            self._dead_place = place
            yield refused

    def _written(self, record: EmbeddingRecord) -> Embedded:
        if whole(record) and record.chunk + 1 >= record.chunks:
            self._guard.passed(record.id, record.version)
        return Embedded(record.id.encode(), encode_embedding(record, as_json=self._as_json), self._clock())

    def _vector(self, values: Sequence[float] | None, error: str | None, status: int | None) -> NDArray[np.float32]:
        """Raises RejectedRecord."""
        if values is None:
            raise RejectedRecord(_reason(status), error or "the server gave no vector and no error")
        vector = np.asarray(values, np.dtype("<f4"))
        if vector.shape != (self._dimension,):
            raise RejectedRecord("bad-vector", f"the server gave {vector.shape}, expected {self._dimension} numbers")
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0:
            raise RejectedRecord("bad-vector", "the server gave NaN, infinity, or zeros only")
        return vector if abs(length - 1) < _UNIT_TOLERANCE else (vector / length).astype(np.dtype("<f4"))

    def _attempts(self, error: str | None, status: int | None) -> int:
        if error is None or (status is not None and status < 500 and status not in _RETRIED):
            return 1
        return self._retries + 1


def _reason(status: int | None) -> str:
    """Of a dead letter: whether sending it back may help, and who has to do something."""
    if status is None:
        return "model-unavailable"
    if status == 429:
        return "model-overloaded"
    if status in (408, 504):
        return "model-timeout"
    return "model-failed" if status >= 500 else "model-refused"
