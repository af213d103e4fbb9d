"""Which offsets may be committed: those with nothing before them that still waits for a delivery report."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import Any

from confluent_kafka import TopicPartition

Partition = tuple[str, int]


class _Place:
    __slots__ = ("offset", "waiting")

    def __init__(self, offset: int, waiting: int) -> None:
        self.offset = offset
        self.waiting = waiting


class Offsets:
    """Thread-safe: reports come from the publisher's thread."""

    def __init__(self) -> None:
        self._places: dict[Partition, deque[_Place]] = {}
        self._lock = threading.Condition()
        self._failure: BaseException | None = None
        self.waiting = 0
        """Records whose reports are not complete."""

    def add(self, topic: str, partition: int, offset: int, *futures: Future[Any]) -> None:
        """A record was handled; it is done when all its futures are. Without any it is done at once."""
        place = _Place(offset, len(futures))
        with self._lock:
            self._places.setdefault((topic, partition), deque()).append(place)
            self.waiting += bool(futures)
        for future in futures:
            future.add_done_callback(lambda done: self._done(place, done))

    def committable(self) -> list[TopicPartition]:
        """The next offset to read of each partition that moved since the last call."""
        moved = []
        with self._lock:
            for (topic, partition), places in self._places.items():
                last = None
                while places and not places[0].waiting:
                    last = places.popleft().offset
                if last is not None:
                    moved.append(TopicPartition(topic, partition, last + 1))
        return moved

    def forget(self, partitions: list[TopicPartition]) -> None:
        """They are another's now."""
        with self._lock:
            for one in partitions:
                self._places.pop((one.topic, one.partition), None)

    def wait(self, seconds: float) -> None:
        """Block until some report comes, at most for so long."""
        with self._lock:
            self._lock.wait(seconds)

    def check(self) -> None:
        """Raises what the first failed delivery raised."""
        if self._failure is not None:
            raise self._failure

    def _done(self, place: _Place, future: Future[Any]) -> None:
        error = future.exception()
        with self._lock:
            self._lock.notify_all()
            if error is not None:
                self._failure = self._failure or error
                return
            place.waiting -= 1
            self.waiting -= not place.waiting
