"""``python -m producers.cdc``: serve the captures of ``FRESHET_CDC_CAPTURES`` until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import threading
from typing import Final

from freshet.metrics_endpoint import serve_metrics
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from producers.broker import wait_for_broker
from producers.cdc.bridge import Bridge
from producers.cdc.settings import CdcSettings
from producers.process import run_process

_log: Final = logging.getLogger("producers.cdc")


def main() -> int:
    """The exit status."""
    return run_process(_log, _run)


def _run(stop: threading.Event) -> None:
    settings, kafka = CdcSettings(), KafkaSettings()
    if settings.metrics_port is not None:
        serve_metrics(settings.metrics_port, settings.metrics_host)
    publisher = Publisher(kafka, settings.profile, timeout_s=settings.timeout_s)
    try:
        if wait_for_broker(publisher, stop):
            Bridge(settings, kafka, publisher, stop).run()
    finally:
        publisher.close(2.0)
