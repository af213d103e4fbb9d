"""Paths that wait to be looked at: live changes first, the backlog of a scan behind them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

_IDLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """``noticed_ns`` is when the change was seen (wall time), ``since`` the same and ``due`` the earliest moment to
    look, both in seconds of ``time.monotonic``. ``attempts`` counts reads that found the file changing.
    """

    path: str
    noticed_ns: int
    since: float
    due: float = 0.0
    attempts: int = 0


class WorkQueue:
    """A path is in here once, and never with two workers at the same time. Safe to share between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._live: OrderedDict[str, Job] = OrderedDict()
        self._backlog: OrderedDict[str, Job] = OrderedDict()
        self._running: set[str] = set()
        self._closed = False

    def put(self, path: str, *, live: bool) -> None:
        """Have a path looked at, once more if it is being looked at now. A live change overtakes the backlog."""
        self.put_job(Job(path, time.time_ns(), time.monotonic()), live=live)

    def put_job(self, job: Job, *, live: bool, first: bool = False) -> None:
        """The same for a job that exists; where the path waits already, the two become one. ``first``: next in turn."""
        with self._changed:
            waiting = self._live.pop(job.path, None)
            live = live or waiting is not None
            waiting = self._backlog.pop(job.path, None) or waiting
            if waiting is not None:
                job = replace(
                    job,
                    noticed_ns=max(job.noticed_ns, waiting.noticed_ns),
                    since=min(job.since, waiting.since),
                    attempts=max(job.attempts, waiting.attempts),
                )
            queue = self._live if live else self._backlog
            queue[job.path] = job
            if first:
                queue.move_to_end(job.path, last=False)
            self._changed.notify_all()

    def take(self, *, live: bool) -> Job | None:
        """Block until a live job, or else one of the backlog with no live one waiting, is due; None once closed.

        The caller gives it back with ``done``.
        """
        with self._changed:
            while not self._closed:
                queue = self._live if live else self._backlog
                job, wait_s = self._first_due(self._live)
                if not live:
                    job, wait_s = self._first_due(self._backlog) if job is None else (None, _IDLE_S)
                if job is not None:
                    del queue[job.path]
                    self._running.add(job.path)
                    self._changed.notify_all()
                    return job
                self._changed.wait(wait_s)
            return None

    def done(self, job: Job) -> None:
        with self._changed:
            self._running.discard(job.path)
            self._changed.notify_all()

    def live_is_due(self) -> bool:
        """Whether a live change waits for its worker, and not only for its file to lie still."""
        with self._changed:
            return self._first_due(self._live)[0] is not None

    def size(self) -> int:
        """Paths waiting or being looked at."""
        with self._changed:
            return len(self._live) + len(self._backlog) + len(self._running)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _first_due(self, queue: OrderedDict[str, Job]) -> tuple[Job | None, float]:
        now, soonest = time.monotonic(), _IDLE_S
        for job in queue.values():
            if job.path in self._running:
                continue
            if job.due <= now:
                return job, 0.0
            soonest = min(soonest, job.due - now)
        return None, soonest
