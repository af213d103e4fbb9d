"""``python -m producers.canary``: a flight every few seconds until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from freshet.metrics_endpoint import serve_metrics
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from producers.canary.probe import Flight, Probe
from producers.canary.settings import CanarySettings
from producers.process import run_process

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


def main() -> int:
    """The exit status."""
    return run_process(log, _run)


def _run(stop: threading.Event) -> None:
    settings = CanarySettings()
    if settings.metrics_port is not None:
        serve_metrics(settings.metrics_port, settings.metrics_host)
    run(settings, KafkaSettings(), stop, _log)


def _log(flight: Flight) -> None:
    if flight.seconds is None:
        log.warning("lost: %s", flight.lost)
