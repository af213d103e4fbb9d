"""The table function that Flink calls for each record of ``documents``."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from pyflink.table import DataTypes
from pyflink.table.udf import FunctionContext, TableFunction

from flink_jobs.guard import VersionGuard
from flink_jobs.ingestion import Dead, Embedded, Ingestion
from flink_jobs.measured import MeasuredEmbedder
from flink_jobs.settings import JobSettings
from freshet.chunking import Chunker
from freshet.embedding.cache import CachedEmbedder, VectorCache
from freshet.embedding.load import load_embedder
from freshet.embedding.settings import ModelSettings
from freshet.errors import UsageError
from freshet.metrics import BUILD, EMBEDDED
from freshet.metrics_endpoint import serve_metrics
from freshet.topics import DEAD_LETTERS, EMBEDDINGS

log = logging.getLogger(__name__)

Row = tuple[str, bytes | None, bytes | None, str | None, str | None, str | None, str | None]

RESULT_TYPES = [DataTypes.STRING(), DataTypes.BYTES(), DataTypes.BYTES(), *(DataTypes.STRING() for _ in range(4))]
"""topic, key, value, embedded_at (ns, digits), reason, detail, attempts (digits); the last three only for a dead
letter, whose key and value the SQL takes from the record as it came."""


class IngestFunction(TableFunction):  # type: ignore[misc]
    """Pickles as its settings; the model is loaded where the subtask runs."""

    def __init__(self, job: JobSettings, model: ModelSettings) -> None:
        self._job = job
        self._model = model

    def open(self, function_context: FunctionContext) -> None:
        job, model = self._job, load_embedder(self._model)
        cache = VectorCache(job.cache_path, model.model, model.revision, model.dimension, job.cache_bytes)
        self._embedder = CachedEmbedder(MeasuredEmbedder(model), cache)
        self._counted = Counter[str]()
        self._counter = EMBEDDED.counter()
        self._ingestion = Ingestion(
            self._embedder,
            Chunker.of(model),
            VersionGuard(),
            as_json=job.encoding == "json",
            context=job.context_messages,
        )
        settled(job, model.model, model.revision)

    def eval(self, key: bytes | None, value: bytes | None, arrivals: Sequence[bytes | None] = ()) -> Iterator[Row]:
        for out in self._ingestion.process(key, value, arrivals):
            yield row(out)
        self._count()

    def _count(self) -> None:
        totals = Counter(model=self._embedder.misses, cache=self._embedder.hits)
        for origin, count in (totals - self._counted).items():
            self._counter.labels(origin).inc(count)
        self._counted = totals


def row(out: Embedded | Dead) -> Row:
    """As RESULT_TYPES."""
    if isinstance(out, Embedded):
        return EMBEDDINGS.name, out.key, out.value, str(out.at), None, None, None
    return DEAD_LETTERS.name, None, None, None, out.reason, out.detail, str(out.attempts)


def settled(job: JobSettings, model: str, revision: str) -> None:
    """To be called at the end of ``open``: shows the metrics, and spares what is loaded by now the collector."""
    if job.metrics_port:
        _expose_metrics(job.metrics_port, job.metrics_host)
    BUILD.gauge().labels(version("freshet"), model, revision).set(1)
    # A full collection over all of it would hold up the record at hand.
    gc.collect()
    gc.freeze()


def _expose_metrics(port: int, host: str) -> None:
    """Only one worker of a machine can have the port: the job runs without the metrics of the others.

    Unless they share a folder: ``freshet.metrics_endpoint``.
    """
    try:
        serve_metrics(port, host)
    except UsageError as error:
        log.warning("the job runs on without: %s", error)
