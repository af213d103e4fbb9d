"""What every producer's process does around its work: its log, signals and exit status."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from freshet.errors import FreshetError, UsageError
from freshet.logs import start_logging

_SWITCH_S: Final = 0.0005


def run_process(log: logging.Logger, work: Callable[[threading.Event], None]) -> int:
    """Call ``work`` with the event that SIGTERM or SIGINT sets; a second signal ends the process at once.

    Returns the exit status: 0 after a signal, 1 for what may pass, 2 for what a person must change.
    """
    start_logging()
    stop = threading.Event()
    _stop_on_signals(stop)
    # What a thread reads in bulk must not hold up a live change for 5 ms at each turn.
    sys.setswitchinterval(_SWITCH_S)
    try:
        work(stop)
    except FreshetError as error:
        log.error("%s", error)
        return 2 if isinstance(error, UsageError) else 1
    return 0


def _stop_on_signals(stop: threading.Event) -> None:
    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
