"""Which offsets may be committed: those with nothing before them that still waits for a delivery report."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from confluent_kafka import TopicPartition

Partition = tuple[str, int]


class _Place:
    __slots__ = ("reports", "waiting")

    def __init__(self, reports: tuple[Future[Any], ...]) -> None:
        self.reports = reports
        self.waiting = len(reports)


class _Progress:
    """Of one partition. Holds what waits alone, however much is done behind it."""

    __slots__ = ("next", "told", "waiting")

    def __init__(self, first: int) -> None:
        self.waiting: dict[int, _Place] = {}
        self.next = first
        self.told = first

    @property
    def reached(self) -> int:
        return next(iter(self.waiting), self.next)


class Offsets:
    """Thread-safe: reports come from the publisher's thread."""

    def __init__(self) -> None:
        self._partitions: dict[Partition, _Progress] = {}
        self._lock = threading.Condition()
        self._failure: BaseException | None = None
        self.waiting = 0
        """Records whose reports are not complete."""

    def add(self, topic: str, partition: int, offset: int, *reports: Future[Any]) -> None:
        """A record was handled; it is done when all its reports are there. Without any it is done at once."""
        place = _Place(reports)
        with self._lock:
            progress = self._partitions.setdefault((topic, partition), _Progress(offset))
            progress.next = offset + 1
            if reports:
                progress.waiting[offset] = place
                self.waiting += 1
        for report in reports:
            report.add_done_callback(lambda done: self._done(progress, offset, place, done))

    def unreported(self, topic: str, partition: int) -> list[Future[Any]]:
        """Reports of the partition's records that are not there yet."""
        with self._lock:
            progress = self._partitions.get((topic, partition))
            places = [] if progress is None else list(progress.waiting.values())
        return [report for place in places for report in place.reports if not report.done()]

    def committable(self) -> list[TopicPartition]:
        """The next offset to read of each partition that moved since the last call."""
        moved = []
        with self._lock:
            for (topic, partition), progress in self._partitions.items():
                if (reached := progress.reached) > progress.told:
                    progress.told = reached
                    moved.append(TopicPartition(topic, partition, reached))
        return moved

    def forget(self, partitions: list[TopicPartition]) -> None:
        """They are another's now."""
        with self._lock:
            for one in partitions:
                self._partitions.pop((one.topic, one.partition), None)

    def wait(self, seconds: float) -> None:
        """Block until some report comes, at most for so long."""
        with self._lock:
            self._lock.wait(seconds)

    def check(self) -> None:
        """Raises what the first failed delivery raised."""
        if self._failure is not None:
            raise self._failure

    def _done(self, progress: _Progress, offset: int, place: _Place, report: Future[Any]) -> None:
        if report.cancelled():
            return
        error = report.exception()
        with self._lock:
            self._lock.notify_all()
            if error is not None:
                self._failure = self._failure or error
                return
            place.waiting -= 1
            if not place.waiting:
                progress.waiting.pop(offset, None)
                self.waiting -= 1
