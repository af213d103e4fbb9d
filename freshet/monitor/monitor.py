"""Look, tell, wait, look again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from freshet import metrics
from freshet.errors import UnavailableError
from freshet.flow import READERS
from freshet.monitor.dead_letters import WaitingLetters
from freshet.monitor.group_lag import GroupLag
from freshet.monitor.processes import StackProcesses
from freshet.monitor.settings import MonitorSettings
from freshet.settings import KafkaSettings

log = logging.getLogger(__name__)


class Monitor:
    """``run`` until ``stop``. What it cannot look at it counts as an error, and looks again."""

    def __init__(self, settings: MonitorSettings, kafka: KafkaSettings) -> None:
        self._seconds = settings.seconds
        self._stop = threading.Event()
        self._lags = {group: GroupLag(kafka, group, topic) for group, topic in READERS.items()}
        self._letters = WaitingLetters(kafka)
        self._processes = StackProcesses(settings.state) if settings.state is not None else None
        self._errors = metrics.MONITOR_ERRORS.counter()
        self._waiting = metrics.DEAD_WAITING.gauge()
        self._redriven = metrics.REDRIVEN.counter()
        self._said = ""

    def run(self) -> None:
        """Block until stopped."""
        try:
            while not self._stop.is_set():
                self.look()
                self._stop.wait(self._seconds)
        finally:
            for lag in self._lags.values():
                lag.close()
            self._letters.close()

    def stop(self) -> None:
        """Safe in a signal handler."""
        self._stop.set()

    def look(self) -> None:
        """Once, at everything. Never raises for a broker that is away."""
        if self._processes is not None:
            self._processes.look()
        for group, lag in self._lags.items():
            self._try(lambda group=group, lag=lag: _tell_lag(group, lag))  # type: ignore[misc]
        self._try(self._tell_letters)

    def _tell_letters(self) -> None:
        before = self._letters.redriven
        self._waiting.set(self._letters.look())
        self._redriven.inc(max(0, self._letters.redriven - before))

    def _try(self, look: Callable[[], None]) -> None:
        try:
            look()
        except UnavailableError as error:
            self._errors.inc()
            # Once, and not at every look while the broker is away.
            if str(error) != self._said:
                log.warning("%s", error)
                self._said = str(error)


def _tell_lag(group: str, lag: GroupLag) -> None:
    seen = lag.look()
    metrics.GROUP_LAG_RECORDS.gauge().labels(group).set(seen.records)
    metrics.GROUP_LAG_SECONDS.gauge().labels(group).set(seen.seconds)
