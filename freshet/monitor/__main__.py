"""``python -m freshet.monitor``: serves what it sees at ``/metrics`` until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import signal
import sys

from freshet.errors import FreshetError
from freshet.logs import start_logging
from freshet.metrics_endpoint import serve_metrics
from freshet.monitor.monitor import Monitor
from freshet.monitor.settings import MonitorSettings
from freshet.settings import KafkaSettings

log = logging.getLogger("freshet.monitor")


def main() -> int:
    """Exit status 0 after a signal, 2 for what a person must change."""
    start_logging()
    try:
        settings = MonitorSettings()
        monitor = Monitor(settings, KafkaSettings())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: monitor.stop())
        port = serve_metrics(settings.metrics_port, settings.metrics_host)
        log.info("metrics at http://%s:%d/metrics", settings.metrics_host, port)
        monitor.run()
    except FreshetError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
