"""``python -m producers.cdc``: serve the captures of ``FRESHET_CDC_CAPTURES`` until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import Final

from pydantic import ValidationError

from freshet.errors import FreshetError, UnavailableError, UsageError
from freshet.metrics_endpoint import serve_metrics
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from producers.cdc.bridge import Bridge
from producers.cdc.settings import CdcSettings

_log: Final = logging.getLogger("producers.cdc")

_SWITCH_S: Final = 0.0005


def main() -> int:
    """Exit status 0 after a signal, 1 for what may pass, 2 for what a person must change."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    _stop_on_signals(stop)
    # a page of rows in its own thread must not hold up a live change for 5 ms at each turn
    sys.setswitchinterval(_SWITCH_S)
    try:
        return _run(CdcSettings(), KafkaSettings(), stop)
    except ValidationError as error:
        _log.error("settings: %s", error)
        return 2
    except FreshetError as error:
        _log.error("%s", error)
        return 2 if isinstance(error, UsageError) else 1


def _run(settings: CdcSettings, kafka: KafkaSettings, stop: threading.Event) -> int:
    if settings.metrics_port is not None:
        serve_metrics(settings.metrics_port, settings.metrics_host)
    publisher = Publisher(kafka, settings.profile, timeout_s=settings.timeout_s)
    try:
        while not stop.is_set():
            try:
                publisher.reach(5.0)
                break
            except UnavailableError as error:
                _log.warning("%s: waiting, nothing is lost", error)
        Bridge(settings, kafka, publisher, stop).run()
        return 0
    finally:
        publisher.close(2.0)


def _stop_on_signals(stop: threading.Event) -> None:
    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
