"""What every process uses, what waits and how long a change takes, every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil

from freshet.errors import UnavailableError
from freshet.settings import KafkaSettings
from freshet.stack.lag import lags
from freshet.stack.local import LocalStack
from freshet.stack.process import private_bytes, resident_bytes
from tests.faults.harness.canary import Found

EVERY_SECONDS = 5.0
WINDOW_SECONDS = 30.0
"""The canaries of so long make one p99: about 200 of them."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process at one moment. ``pid`` tells one life from the next."""

    name: str
    pid: int
    seconds: float
    """Since the start of the soak."""
    resident_mb: float
    """With the processes that it has started: the store's engines are those of ``serve``."""
    private_mb: float
    """Of it, what is no page of a mapped file."""
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Of the whole system at one moment. ``p99_ms`` is None while no canary was found."""

    seconds: float
    lag: int
    p99_ms: float | None


class Sampler:
    """A thread from ``start`` to ``stop``. Raises nothing: a process that is down has no sample."""

    def __init__(self, stack: LocalStack, canaries: Callable[[], list[Found]]) -> None:
        self.usage: list[Usage] = []
        self.flow: list[Flow] = []
        self._stack = stack
        self._canaries = canaries
        self._kafka = KafkaSettings(bootstrap=stack.broker.bootstrap)
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """Since this was made."""
        return time.monotonic() - self._began

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            for process in self._stack.processes:
                if process.alive:
                    self._measure(process.name, process.pid)
            self.flow.append(Flow(self.seconds, self._lag(), self._p99()))

    def _measure(self, name: str, pid: int) -> None:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                resident, private = resident_bytes(process) / (1 << 20), private_bytes(process) / (1 << 20)
                files, threads = process.num_fds(), process.num_threads()
                self.usage.append(Usage(name, pid, self.seconds, resident, private, files, threads))
        except psutil.Error:
            return

    def _lag(self) -> int:
        try:
            return sum(lags(self._kafka).values())
        except UnavailableError:
            return -1

    def _p99(self) -> float | None:
        since = time.monotonic() - WINDOW_SECONDS
        recent = [one.found - one.sent for one in self._canaries()[-400:] if one.found > since]
        return float(np.percentile(recent, 99)) * 1e3 if recent else None
