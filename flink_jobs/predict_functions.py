"""The two table functions around ML_PREDICT."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from pyflink.table import DataTypes
from pyflink.table.udf import FunctionContext, TableFunction

from flink_jobs.assembly import Assembly
from flink_jobs.function import Row, row, settled
from flink_jobs.guard import VersionGuard
from flink_jobs.intake import Dead, Intake
from flink_jobs.preparation import Preparation
from flink_jobs.served_model import ServedModel
from flink_jobs.settings import JobSettings
from freshet.chunking import Chunker
from freshet.embedding.cache import VectorCache

PREPARED_TYPES = [DataTypes.STRING(), DataTypes.BYTES(), DataTypes.BYTES(), DataTypes.BYTES()]
"""text, finished (msgpack, list of records), record, dead (msgpack). The row waits in Java for the server's answer."""

_guard = VersionGuard()
"""Of all subtasks in this interpreter. In thread mode both functions live in one, so that the first knows what came
through the second; in process mode it never learns, and some versions that are out of date cost a request."""
_finished = msgspec.msgpack.Decoder(tuple[bytes, ...])
_dead = msgspec.msgpack.Decoder(tuple[str, str])

PreparedRow = tuple[str, bytes | None, bytes | None, bytes | None]


class PrepareFunction(TableFunction):  # type: ignore[misc]
    """A record of ``documents`` to rows for the model."""

    def __init__(self, job: JobSettings, model: ServedModel) -> None:
        self._job = job
        self._model = model

    def open(self, function_context: FunctionContext) -> None:
        job, model = self._job, self._model
        # What came through before a restart may not have been written.
        _guard.forget()
        intake = Intake(model.model, model.revision, Chunker.of(model), _guard, job.context_messages)
        self._preparation = Preparation(intake, _cache(job, model))
        # The tokenizer is read now, not at the first record.
        model.count("-")
        settled(job, model.model, model.revision)

    def eval(
        self, key: bytes | None, value: bytes | None, arrivals: Sequence[bytes | None] = ()
    ) -> Iterator[PreparedRow]:
        for one in self._preparation.process(key, value, arrivals):
            finished = msgspec.msgpack.encode(one.finished) if one.finished else None
            dead = msgspec.msgpack.encode((one.dead.reason, one.dead.detail)) if one.dead else None
            yield one.text, finished, one.record, dead


class AssembleFunction(TableFunction):  # type: ignore[misc]
    """A row and what the model said to it, to rows for the sink."""

    def __init__(self, job: JobSettings, model: ServedModel) -> None:
        self._job = job
        self._model = model

    def open(self, function_context: FunctionContext) -> None:
        job, model = self._job, self._model
        cache = _cache(job, model)
        self._assembly = Assembly(_guard, cache, model.dimension, job.retries, as_json=job.encoding == "json")

    def eval(
        self,
        partition: int,
        offset: int,
        text: str,
        finished: bytes | None,
        record: bytes | None,
        dead: bytes | None,
        vector: Sequence[float],
        error: str | None,
        status: int,
    ) -> Iterator[Row]:
        """Without a vector it is a single 0, without an answer ``status`` is 0."""
        before = _finished.decode(finished) if finished else ()
        refused = Dead(*_dead.decode(dead)) if dead else None
        place, values = (partition, offset), vector if len(vector) > 1 else None
        for out in self._assembly.process(place, text, before, record, refused, values, error, status or None):
            yield row(out)


def _cache(job: JobSettings, model: ServedModel) -> VectorCache:
    return _shared_cache(job.cache_path, model.model, model.revision, model.dimension, job.cache_bytes)


@functools.cache
def _shared_cache(path: Path, model: str, revision: str, dimension: int, max_bytes: int) -> VectorCache:
    """One for both functions: what the second has put, the first finds before it is on disk."""
    return VectorCache(path, model, revision, dimension, max_bytes)
