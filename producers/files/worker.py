"""A thread that works off one side of the queue."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from freshet.errors import UnavailableError
from producers.broker import wait_for_broker
from producers.files.indexing import Indexing
from producers.files.work import Job, WorkQueue
from producers.sink import BacklogSink

_log: Final = logging.getLogger(__name__)

_YIELD_S: Final = 0.002
_RETRY_S: Final = 1.0


class Stopping(Exception):
    """Ends a text half-way at shutdown; the file is taken up again at the next start."""


class Worker:
    """``live`` takes what happens now, the other one the backlog, at a pace that leaves room for what happens now."""

    def __init__(
        self,
        work: WorkQueue,
        indexing: Indexing,
        sink: BacklogSink,
        stop: threading.Event,
        *,
        live: bool,
        max_in_flight: int,
    ) -> None:
        self._work = work
        self._indexing = indexing
        self._sink = sink
        self._stop = stop
        self._live = live
        self._max_in_flight = max_in_flight

    def run(self) -> None:
        """Until the queue is closed. Raises UsageError, and UnavailableError when the root (not the broker) is gone."""
        while (job := self._work.take(live=self._live)) is not None:
            try:
                self._follow(job)
            except Stopping:
                return
            finally:
                self._work.done(job)

    def _follow(self, job: Job) -> None:
        try:
            if not self._live:
                self._wait_for_room()
            elif self._indexing.is_large(job.path):
                self._work.put_job(job, live=False, first=True)
                return
            again = self._indexing.follow(job, trust_stamp=not self._live, pace=self._paced)
            if again is not None:
                self._work.put_job(again, live=self._live)
        except UnavailableError:
            self._indexing.require_root()
            self._work.put_job(replace(job, due=time.monotonic() + _RETRY_S), live=self._live)
            wait_for_broker(self._sink, self._stop)

    def _paced(self, pieces: Iterator[str]) -> Iterator[str]:
        for piece in pieces:
            if self._stop.is_set():
                raise Stopping
            if not self._live:
                self._wait_for_room()
            yield piece

    def _wait_for_room(self) -> None:
        while self._work.live_is_due() or self._sink.in_flight() > self._max_in_flight:
            if self._stop.wait(_YIELD_S):
                raise Stopping
