"""The table function that Flink calls for each record of ``documents``."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version

from pyflink.table import DataTypes
from pyflink.table.udf import FunctionContext, TableFunction

from flink_jobs.guard import VersionGuard
from flink_jobs.ingestion import Embedded, Ingestion
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

Row = tuple[str, bytes | None, bytes | None, str | None, str | None, str | None]

RESULT_TYPES = [
    DataTypes.STRING(),
    DataTypes.BYTES(),
    DataTypes.BYTES(),
    DataTypes.STRING(),
    DataTypes.STRING(),
    DataTypes.STRING(),
]
"""topic, key, value, embedded_at (ns, digits), reason, detail; the last two only for a dead letter."""


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
        self._ingestion = Ingestion(self._embedder, Chunker.of(model), VersionGuard(), as_json=job.encoding == "json")
        if job.metrics_port:
            _expose_metrics(job.metrics_port, job.metrics_host)
        BUILD.gauge().labels(version("freshet"), model.model, model.revision).set(1)
        # What is loaded by now stays: a full collection over it would hold up the record at hand.
        gc.collect()
        gc.freeze()

    def eval(self, key: bytes | None, value: bytes | None) -> Iterator[Row]:
        for out in self._ingestion.process(key, value):
            if isinstance(out, Embedded):
                yield EMBEDDINGS.name, out.key, out.value, str(out.at), None, None
            else:
                yield DEAD_LETTERS.name, key, value, None, out.reason, out.detail
        self._count()

    def _count(self) -> None:
        totals = Counter(model=self._embedder.misses, cache=self._embedder.hits)
        for origin, count in (totals - self._counted).items():
            self._counter.labels(origin).inc(count)
        self._counted = totals


def _expose_metrics(port: int, host: str) -> None:
    """Only one worker of a machine can have the port: the job runs without the metrics of the others.

    Unless they share a folder: ``freshet.metrics_endpoint``.
    """
    try:
        serve_metrics(port, host)
    except UsageError as error:
        log.warning("the job runs on without: %s", error)
