"""Records that were fetched and not yet taken, shared out fairly between their partitions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairBuffer(Generic[T]):
    """One queue for each partition. ``take`` goes round them, so that no partition's backlog delays another's record.

    Nothing is refused or dropped: who fills it asks ``full`` which partitions to fetch no more of, and ``hungry``
    which to fetch again. Then a queue is never longer than ``high`` and what one filling brings. Not thread-safe.
    """

    def __init__(self, high: int, low: int) -> None:
        """A partition is full at ``high`` records, and then again hungry at ``low``, with 0 <= low < high."""
        if not 0 <= low < high:
            raise ValueError(f"need 0 <= low < high, not {low} and {high}")
        self._high = high
        self._low = low
        self._queues: dict[int, deque[T]] = {}
        self._turns: deque[int] = deque()
        """Partitions with records, in the order of their turns."""
        self._full: set[int] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, partition: int, record: T) -> None:
        """Behind the partition's other records."""
        queue = self._queues.get(partition)
        if queue is None:
            queue = self._queues[partition] = deque()
        if not queue:
            self._turns.append(partition)
        queue.append(record)
        self._count += 1
        if len(queue) >= self._high:
            self._full.add(partition)

    def take(self, limit: int) -> list[T]:
        """Up to ``limit`` records, in order within each partition, as evenly from all as they have them.

        Whoever had no turn, because the limit is lower than the number of partitions, is first at the next call.
        """
        taken: list[T] = []
        while self._turns and len(taken) < limit:
            share = max(1, (limit - len(taken)) // len(self._turns))
            for _ in range(min(len(self._turns), limit - len(taken))):
                partition = self._turns.popleft()
                queue = self._queues[partition]
                taken.extend(queue.popleft() for _ in range(min(share, len(queue))))
                if queue:
                    self._turns.append(partition)
        self._count -= len(taken)
        return taken

    def drop(self, partitions: Iterable[int]) -> None:
        """Forget these partitions' records: they went to another member, or are to be fetched again."""
        for partition in partitions:
            if queue := self._queues.pop(partition, None):
                self._count -= len(queue)
                self._turns.remove(partition)
            self._full.discard(partition)

    @property
    def full(self) -> frozenset[int]:
        """Partitions that reached ``high`` and were not yet called hungry."""
        return frozenset(self._full)

    def hungry(self) -> frozenset[int]:
        """Of the full partitions those that are down at ``low``; from now on they are full no more."""
        hungry = frozenset(one for one in self._full if len(self._queues.get(one, ())) <= self._low)
        self._full -= hungry
        return hungry
