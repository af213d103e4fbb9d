"""Search as a service of a host process."""

from __future__ import annotations

import logging
import os
import time

from freshet import metrics
from freshet.clock import wall_clock
from freshet.http_server import HttpServer
from freshet.service import Resources
from freshet.settings import KafkaSettings, SearchSettings
from search.app import build_app
from search.engine import SearchEngine
from search.live import Live
from search.workers import Workers

MAX_PENDING = 256
_log = logging.getLogger(__name__)


class SearchService:
    """Answers HTTP between ``start`` and ``stop``."""

    def __init__(self, resources: Resources, settings: SearchSettings, kafka: KafkaSettings) -> None:
        self._engine = SearchEngine(resources.store, resources.embedder, settings.max_k, wall_clock)
        self._host = settings.host
        # More threads than cores only queue in front of the model, which computes.
        self._queries = Workers("search", threads=max(2, min(4, os.cpu_count() or 2)), max_pending=MAX_PENDING)
        metrics.SEARCH_WAITING.gauge().set_function(lambda: self._queries.pending)
        self._broker = Workers("search-broker", threads=2, max_pending=16)
        self._live = Live(resources, settings, kafka, self._broker)
        app = build_app(resources, self._engine, settings, kafka, self._live, self._queries, self._broker)
        self._server = HttpServer(app, settings.host, settings.port, "search")
        self._started_at = 0.0

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._server.port

    def start(self) -> None:
        """Return when a query would be answered at full speed. Raises UsageError when the port is taken."""
        self._engine.warm_up()
        self._server.start()
        self._started_at = time.monotonic()
        _log.info("search listens on http://%s:%d", self._host, self.port)

    def failure(self) -> BaseException | None:
        return self._server.failure()

    def state(self) -> dict[str, object]:
        return {
            "url": f"http://{self._host}:{self.port}",
            "uptime_seconds": round(time.monotonic() - self._started_at, 1),
        }

    def stop(self) -> None:
        self._live.close()
        self._server.stop()
        self._queries.close()
        self._broker.close()


def create(resources: Resources) -> SearchService:
    """What the entry point names. Reads ``FRESHET_SEARCH_…``."""
    return SearchService(resources, SearchSettings(), KafkaSettings())
