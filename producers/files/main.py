"""``python -m producers.files``: watch ``FRESHET_FILES_ROOT`` until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import Final

from pydantic import ValidationError

from freshet.errors import FreshetError, UsageError
from freshet.metrics_endpoint import serve_metrics
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from producers.files.broker import wait_for_broker
from producers.files.producer import FileProducer
from producers.files.settings import FilesSettings

_log: Final = logging.getLogger("producers.files")

_PROGRESS_S: Final = 0.2
_SWITCH_S: Final = 0.0005


def main() -> int:
    """Exit status 0 after a signal, 1 for what may pass (folder or broker gone), 2 for what a person must change."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    _stop_on_signals(stop)
    # a long extraction in the backlog's thread must not hold up a live change for 5 ms at each turn
    sys.setswitchinterval(_SWITCH_S)
    try:
        return _run(FilesSettings(), KafkaSettings(), stop)
    except ValidationError as error:
        _log.error("settings: %s", error)
        return 2
    except FreshetError as error:
        _log.error("%s", error)
        return 2 if isinstance(error, UsageError) else 1


def _run(settings: FilesSettings, kafka: KafkaSettings, stop: threading.Event) -> int:
    if settings.metrics_port is not None:
        serve_metrics(settings.metrics_port, settings.metrics_host)
    publisher = Publisher(kafka, settings.profile, timeout_s=settings.timeout_s)
    try:
        producer = FileProducer(settings, publisher)
        if not wait_for_broker(publisher, stop):
            return 0
        producer.start()
        _log.info("watching %s", settings.root)
        while not stop.wait(_PROGRESS_S) and producer.failure() is None:
            producer.write_progress()
        producer.stop()
        if (failure := producer.failure()) is not None:
            raise failure
        return 0
    finally:
        publisher.close(0.0)


def _stop_on_signals(stop: threading.Event) -> None:
    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
