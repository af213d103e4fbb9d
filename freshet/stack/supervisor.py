"""Brings back what dies while the stack runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from freshet.errors import UnavailableError
from freshet.stack.flink_job import running_jobs
from freshet.stack.local import LocalStack
from freshet.stack.process import ProcessFailed, StackProcess

FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0
STABLE_SECONDS = 60.0
JOB_CHECK_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Restarts:
    pause: float = FIRST_PAUSE_SECONDS
    due: float = 0.0
    started: float = 0.0


class Supervisor:
    """Call ``check`` about twice a second. It never blocks for long and never gives up."""

    def __init__(self, stack: LocalStack, clock: Callable[[], float] = time.monotonic) -> None:
        self._stack = stack
        self._clock = clock
        self._restarts: dict[str, _Restarts] = {}
        self._job_checked = 0.0

    def check(self) -> list[str]:
        """Restart what ended, submit the job if the cluster lost it. Returns a line for each thing done."""
        done = [line for process in self._stack.processes if (line := self._revive(process))]
        if line := self._resubmit():
            done.append(line)
        if done:
            self._stack.record()
        for line in done:
            log.warning("%s", line)
        return done

    def down(self) -> list[str]:
        """Names of the processes that are not alive."""
        return [process.name for process in self._stack.processes if not process.alive]

    def _revive(self, process: StackProcess) -> str | None:
        now = self._clock()
        restarts = self._restarts.setdefault(process.name, _Restarts(started=now))
        if process.alive:
            if now - restarts.started > STABLE_SECONDS:
                restarts.pause = FIRST_PAUSE_SECONDS
            restarts.due = 0.0
            return None
        if not restarts.due:
            restarts.due = now + restarts.pause
            restarts.pause = min(MAX_PAUSE_SECONDS, restarts.pause * 2)
            return None
        if now < restarts.due:
            return None
        restarts.due, restarts.started = 0.0, now
        try:
            process.start()
        except (OSError, ProcessFailed) as error:
            return f"{process.name} had ended and does not start: {error}"
        return f"{process.name} had ended and was started again; its log is {process.log}"

    def _resubmit(self) -> str | None:
        now = self._clock()
        if now - self._job_checked < JOB_CHECK_SECONDS or self._stack.submission.alive:
            return None
        self._job_checked = now
        if not (self._stack.jobmanager.alive and self._stack.taskmanager.alive):
            return None
        try:
            if running_jobs(self._stack.flink.url):
                return None
        except UnavailableError:
            return None
        self._stack.submission.start()
        return "Flink had no job: submitted it again from its last checkpoint"
