"""The server put together: model, queue, instances, cache, watch, HTTP."""

from __future__ import annotations

import gc
import logging
import os
import time
from importlib.metadata import version
from pathlib import Path

from freshet import metrics
from freshet.embedding import ModelSettings, load_embedder
from freshet.embedding.cache import VectorCache
from freshet.embedding.hub import find_model
from freshet.embedding.settings import PACKAGED_MODEL
from freshet.errors import FreshetError, UsageError
from freshet.http_server import HttpServer
from inference.app import build_app
from inference.body import Limits
from inference.cache import TextCache
from inference.dimensions import Reducer
from inference.embeddings import Embeddings
from inference.instances import Instances
from inference.lanes import Lanes
from inference.model import Model
from inference.pins import check_files, check_revision
from inference.routes import EmbeddingRoutes
from inference.settings import InferenceSettings
from inference.watch import QualityWatch

_log = logging.getLogger(__name__)
_WARM_TOKENS = (8, 32, 128)


def load_model(settings: InferenceSettings, model: ModelSettings) -> Model:
    """Blocks. Raises UsageError for a model that cannot be had, or is not the pinned one."""
    if settings.files:
        if model.name == PACKAGED_MODEL:
            detail = "the packaged model's files are pinned in the code already"
            raise UsageError("FRESHET_INFERENCE_FILES is for other models", detail, "Unset it")
        check_files(find_model(model), settings.files)
    loaded = load_embedder(model)
    check_revision(loaded.revision, settings.revision)
    return loaded


class InferenceService:
    """Answers HTTP between ``start`` and ``stop``."""

    def __init__(self, model: Model, settings: InferenceSettings, cache_dir: Path) -> None:
        """``cache_dir`` is where built models are; the probes' references go beside them where no folder is set."""
        self._model = model
        self._settings = settings
        clock = time.monotonic
        self._lanes = Lanes(settings.max_waiting_tokens, settings.query_share, clock)
        count = settings.instances or os.cpu_count() or 1
        self._instances = Instances(model, self._lanes, count, settings.batch_tokens, settings.pin)
        self._cache = _cache(model, settings)
        self._watch = QualityWatch(
            model, settings.references or cache_dir / "references", settings.probe_cosine, settings.probe_seconds
        )
        embeddings = Embeddings(model, self._lanes, self._instances, self._cache, settings.max_request_tokens, clock)
        routes = EmbeddingRoutes(
            embeddings,
            Reducer(model.dimension, model.revision, settings.reduction, settings.projections),
            list(dict.fromkeys([model.model, *settings.aliases])),
            model.revision,
            Limits(settings.max_body_bytes, settings.body_seconds, settings.max_items, settings.max_text_bytes),
            settings.default_timeout,
            settings.default_lane,
            settings.api_key,
            clock,
        )
        app = build_app(routes, self.unready)
        self._server = HttpServer(app, settings.host, settings.port, "inference", settings.drain_seconds)
        self._draining = False

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._server.port

    def start(self) -> None:
        """Return when a request would be answered at full speed. Raises UsageError when the port is taken."""
        for tokens in _WARM_TOKENS:
            # The first run at a new length is slow.
            self._model.embed_rows(self._model.encode(["warm " * min(tokens, self._model.max_tokens - 2)]))
        self._watch.look()
        self._watch.start()
        self._instances.start()
        metrics.BUILD.gauge().labels(version("freshet"), self._model.model, self._model.revision).set(1)
        # What is loaded by now stays: a full collection over it would stop every thread for tens of ms.
        gc.collect()
        gc.freeze()
        self._server.start()
        _log.info(
            "%s at %s on http://%s:%d/v1", self._model.model, self._model.revision, self._settings.host, self.port
        )

    def unready(self) -> str:
        """Why no request should come; empty where all is well."""
        if self._draining:
            return "it is stopping"
        if not self._instances.alive():
            return "an instance has ended"
        return self._watch.drift

    def failure(self) -> BaseException | None:
        """Why it cannot go on, or None while it works."""
        if not self._draining and not self._instances.alive():
            return FreshetError("An instance of the model has ended", "", "see the log of this process")
        return self._server.failure()

    def stop(self) -> None:
        """Accept no more, answer what has arrived, return. Takes at most about ``drain_seconds``."""
        self._draining = True
        self._server.stop()
        self._lanes.close()
        self._instances.join(1.0)
        self._watch.stop()
        if self._cache:
            self._cache.close()


def _cache(model: Model, settings: InferenceSettings) -> TextCache | None:
    if settings.cache is None:
        return None
    return TextCache(VectorCache(settings.cache, model.model, model.revision, model.dimension, settings.cache_bytes))
