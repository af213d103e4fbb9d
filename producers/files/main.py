"""``python -m producers.files``: watch ``FRESHET_FILES_ROOT`` until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import threading
from typing import Final

from freshet.metrics_endpoint import serve_metrics
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from producers.broker import wait_for_broker
from producers.files.producer import FileProducer
from producers.files.settings import FilesSettings
from producers.process import run_process

_log: Final = logging.getLogger("producers.files")

_PROGRESS_S: Final = 0.2


def main() -> int:
    """The exit status. What may pass is a folder or a broker that is gone."""
    return run_process(_log, _run)


def _run(stop: threading.Event) -> None:
    settings = FilesSettings()
    if settings.metrics_port is not None:
        serve_metrics(settings.metrics_port, settings.metrics_host)
    publisher = Publisher(KafkaSettings(), settings.profile, timeout_s=settings.timeout_s)
    try:
        producer = FileProducer(settings, publisher)
        if not wait_for_broker(publisher, stop):
            return
        producer.start()
        _log.info("watching %s", settings.root)
        while not stop.wait(_PROGRESS_S) and producer.failure() is None:
            producer.write_progress()
        producer.stop()
        if (failure := producer.failure()) is not None:
            raise failure
    finally:
        publisher.close(0.0)
