"""``python -m producers.canary``: a flight every few seconds until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable

from pydantic import ValidationError

from freshet.errors import FreshetError
from freshet.metrics_endpoint import serve_metrics
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from producers.canary.probe import Flight, Probe
from producers.canary.settings import CanarySettings

log = logging.getLogger("producers.canary")


def run(
    settings: CanarySettings,
    kafka: KafkaSettings,
    stop: threading.Event,
    landed: Callable[[Flight], None],
    count: int | None = None,
) -> None:
    """Fly until stopped, or ``count`` times; ``landed`` is called after each flight. Blocks."""
    flown = 0
    with Publisher(kafka, timeout_s=settings.timeout_s) as publisher, Probe(publisher, settings, stop) as probe:
        while not stop.is_set() and flown != count:
            due = time.monotonic() + settings.every_s
            flight = probe.fly()
            flown += 1
            if flight is not None:
                landed(flight)
            if flown != count:
                stop.wait(max(0.0, due - time.monotonic()))


def main() -> None:
    """Exit status 0 after a signal, 2 for what a person must change."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = CanarySettings()
        if settings.metrics_port is not None:
            serve_metrics(settings.metrics_port, settings.metrics_host)
        run(settings, KafkaSettings(), stop, _log)
    except (ValidationError, FreshetError) as error:
        log.error("%s", error)
        sys.exit(2)


def _log(flight: Flight) -> None:
    if flight.seconds is None:
        log.warning("lost: %s", flight.lost)
