"""The delivery of one version: acknowledged when each of its parts is."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass

from freshet.errors import FreshetError
from freshet.publishing.records import Delivered


@dataclass(frozen=True, slots=True)
class Receipt:
    """The broker has the whole version. ``offset`` is that of its last part (all parts share the partition)."""

    id: str
    version: int
    parts: int
    topic: str
    partition: int
    offset: int


class Delivery:
    """Collects the reports of a version's parts into one Future; the first failure is the version's failure."""

    def __init__(self, document_id: str, version: int) -> None:
        self.future: Future[Receipt] = Future()
        self.future.set_running_or_notify_cancel()
        self._id = document_id
        self._version = version
        self._lock = threading.Lock()
        self._acknowledged = 0
        self._total: int | None = None
        self._place = Delivered("", -1, -1)

    def report(self, outcome: Delivered | FreshetError) -> None:
        """One part's report; called from any thread, in any order."""
        with self._lock:
            if self.future.done():
                return
            if isinstance(outcome, FreshetError):
                failed: FreshetError | None = outcome
            else:
                failed = None
                self._acknowledged += 1
                self._place = max(self._place, outcome, key=lambda place: place.offset)
                if self._acknowledged != self._total:
                    return
        # outside the lock: a Future runs its callbacks here
        self._settle(failed)

    def expect(self, total: int) -> None:
        """Say how many parts there are, once the last is sent."""
        with self._lock:
            self._total = total
            if self._acknowledged != total or self.future.done():
                return
        self._settle(None)

    def raise_if_failed(self) -> None:
        """Spare the rest of a long text once one of its parts has failed."""
        if self.future.done() and (error := self.future.exception()):
            raise error

    def _settle(self, failed: FreshetError | None) -> None:
        if failed is not None:
            self.future.set_exception(failed)
            return
        place = self._place
        parts = self._total or 0
        self.future.set_result(Receipt(self._id, self._version, parts, place.topic, place.partition, place.offset))
