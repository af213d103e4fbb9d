"""The table function that Flink calls for each record of ``documents``."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import start_http_server
from pyflink.table import DataTypes
from pyflink.table.udf import FunctionContext, TableFunction

from flink_jobs.guard import VersionGuard
from flink_jobs.ingestion import Embedded, Ingestion
from flink_jobs.settings import JobSettings
from freshet.chunking import Chunker
from freshet.embedding.cache import CachedEmbedder, VectorCache
from freshet.embedding.load import load_embedder
from freshet.embedding.settings import ModelSettings
from freshet.topics import DEAD_LETTERS, EMBEDDINGS

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
        self._ingestion: Ingestion | None = None

    def open(self, function_context: FunctionContext) -> None:
        embedder = load_embedder(self._model)
        chunker = Chunker.of(embedder)
        if self._job.cache_path is not None:
            cache = VectorCache(
                self._job.cache_path, embedder.model, embedder.revision, embedder.dimension, self._job.cache_bytes
            )
            embedder = CachedEmbedder(embedder, cache)
        if self._job.metrics_port:
            start_http_server(self._job.metrics_port, "127.0.0.1")
        self._ingestion = Ingestion(embedder, chunker, VersionGuard(), as_json=self._job.encoding == "json")

    def eval(self, key: bytes | None, value: bytes | None) -> Iterator[Row]:
        assert self._ingestion is not None
        for out in self._ingestion.process(key, value):
            if isinstance(out, Embedded):
                yield EMBEDDINGS.name, out.key, out.value, str(out.at), None, None
            else:
                yield DEAD_LETTERS.name, key, value, None, out.reason, out.detail
