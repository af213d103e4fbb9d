"""A process that runs services on one store: ``python -m freshet.host consumer search``."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING

from freshet.changes import Changes
from freshet.embedding.load import load_embedder
from freshet.errors import FreshetError, UnavailableError, UsageError
from freshet.logs import start_logging
from freshet.metrics import BUILD, STORE_DISK, STORE_POINTS
from freshet.metrics_endpoint import serve_metrics
from freshet.service import Resources, Service, ServiceFactory
from freshet.settings import HostSettings, model_settings
from freshet.store import CollectionInfo, VectorStore
from freshet.store.settings import StoreSettings, open_store
from freshet.tracing import TracingSettings

if TYPE_CHECKING:
    from freshet.tracing.spans import Spans

WATCH_SECONDS = 0.5
COUNT_SECONDS = 10.0

log = logging.getLogger(__name__)


class Host:
    """Opens the store once, starts the services in the order named, stops them in reverse."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._services: dict[str, Service] = {}
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask ``run`` to end. Safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Block until stopped or until a service fails. Raises what it failed with, or UsageError at the start."""
        embedder = load_embedder(model_settings())
        store = open_store(StoreSettings())
        store.open(CollectionInfo(embedder.model, embedder.revision, embedder.dimension))
        resources = Resources(store, embedder, self._states)
        spans = _trace(resources.changes)
        try:
            for name in self._names:
                service = _factory(name)(resources)
                service.start()
                self._services[name] = service
                log.info("%s is ready", name)
            # What is loaded by now stays: a full collection over it would stop every thread for 40 to 75 ms.
            gc.collect()
            gc.freeze()
            BUILD.gauge().labels(version("freshet"), embedder.model, embedder.revision).set(1)
            counted = 0.0
            while not self._stop.wait(WATCH_SECONDS):
                # Counting walks the store: not at every turn.
                if time.monotonic() - counted > COUNT_SECONDS:
                    _count_points(store)
                    counted = time.monotonic()
                for name, service in self._services.items():
                    if (failure := service.failure()) is not None:
                        raise FreshetError(f"{name} failed", str(failure)) from failure
        finally:
            for service in reversed(self._services.values()):
                service.stop()
            store.close()
            if spans is not None:
                spans.close()

    def _states(self) -> Mapping[str, object]:
        return {name: service.state() for name, service in self._services.items()}


def _trace(changes: Changes) -> Spans | None:
    """Send a trace of each sampled change, where a collector is named."""
    endpoint = TracingSettings().endpoint
    if endpoint is None:
        return None
    # Takes a quarter of a second, which only those pay who trace.
    from freshet.tracing.change import ChangeTracer
    from freshet.tracing.spans import Spans

    spans = Spans(endpoint)
    changes.subscribe(ChangeTracer(spans))
    return spans


def _count_points(store: VectorStore) -> None:
    try:
        stats = store.stats()
    except UnavailableError:
        return
    points = STORE_POINTS.gauge()
    for kind in ("documents", "tombstones", "chunks", "indexed"):
        points.labels(kind).set(getattr(stats, kind))
    if stats.disk_bytes is not None:
        STORE_DISK.gauge().set(stats.disk_bytes)


def _factory(name: str) -> ServiceFactory:
    known = {entry.name: entry for entry in entry_points(group="freshet.services")}
    if name not in known:
        raise UsageError(f"there is no service {name!r}", "", f"choose among {', '.join(sorted(known))}")
    factory: ServiceFactory = known[name].load()
    return factory


def main() -> None:
    """Exit code 1 with what, detail and remedy on an error; a second signal ends at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", nargs="+", help="by the names of their entry points")
    arguments = parser.parse_args()
    start_logging()
    host = Host(arguments.services)

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        host.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        settings = HostSettings()
        if settings.metrics_port is not None:
            serve_metrics(settings.metrics_port, settings.metrics_host)
        host.run()
    except FreshetError as error:
        log.error("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
