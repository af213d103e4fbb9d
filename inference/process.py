"""The server as a process: ``python -m inference.process``, with its settings from the environment."""

from __future__ import annotations

import logging
import signal
import sys
import threading

from freshet.embedding import ModelSettings
from freshet.errors import FreshetError
from freshet.logs import start_logging
from freshet.settings import model_settings
from inference.service import InferenceService, load_model
from inference.settings import InferenceSettings

_WATCH_SECONDS = 0.5
_log = logging.getLogger(__name__)


def serve(settings: InferenceSettings, model: ModelSettings) -> None:
    """Block until SIGTERM or SIGINT, then drain; a second signal ends the process at once.

    Raises UsageError where it cannot start, FreshetError where it cannot go on.
    """
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    service = InferenceService(load_model(settings, model), settings, model.cache_dir)
    if stop.is_set():
        return
    service.start()
    try:
        while not stop.wait(_WATCH_SECONDS):
            if (failure := service.failure()) is not None:
                raise FreshetError("The inference server failed", str(failure)) from failure
    finally:
        service.stop()


def main() -> None:
    """Exit code 1 with what, detail and remedy on an error."""
    start_logging()
    try:
        settings = InferenceSettings()
        logging.getLogger().setLevel(settings.log_level.upper())
        serve(settings, model_settings())
    except FreshetError as error:
        _log.error("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
