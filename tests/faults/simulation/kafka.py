"""A topic, and a consumer group as the coordinator sees it: sessions, cooperative rebalances, fenced commits."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

from tests.faults.harness.checker import Place
from tests.faults.simulation.clock import SECOND, SimulatedClock

SESSION_SECONDS = 3.0


class Record(NamedTuple):
    """``place`` is the change that it belongs to, as the ledger names it; None for bytes that belong to none."""

    key: bytes
    value: bytes
    place: Place | None


class Topic:
    """Appended records by partition; the same key always goes to the same one."""

    def __init__(self, name: str, partitions: int) -> None:
        self.name = name
        self.partitions: list[list[Record]] = [[] for _ in range(partitions)]

    def append(self, record: Record) -> None:
        self.partitions[zlib.crc32(record.key) % len(self.partitions)].append(record)

    def __len__(self) -> int:
        return sum(map(len, self.partitions))


class Group:
    """Who owns which partition, and what was committed. A member that does not poll in time is put out."""

    def __init__(self, topic: Topic, clock: SimulatedClock, on_commit: Callable[[int, int], None]) -> None:
        """``on_commit`` is told partition and offset of each commit that is accepted."""
        self.topic = topic
        self.committed = dict.fromkeys(range(len(topic.partitions)), 0)
        self._clock = clock
        self._on_commit = on_commit
        self._polled: dict[str, int] = {}
        self._owner: dict[int, str | None] = dict.fromkeys(self.committed)
        self._target: dict[int, str] = {}

    def poll(self, member: str) -> bool:
        """A sign of life, which also joins. Returns whether the member still was in the group."""
        known = member in self._polled
        self._polled[member] = self._clock.now
        if not known:
            self._assign_anew()
        return known

    def expire(self) -> None:
        """Put out the members whose session is over."""
        limit = self._clock.now - int(SESSION_SECONDS * SECOND)
        for member in [name for name, polled in self._polled.items() if polled < limit]:
            self.leave(member)

    def leave(self, member: str) -> None:
        if self._polled.pop(member, None) is not None:
            for partition, owner in self._owner.items():
                if owner == member:
                    self._owner[partition] = None
            self._assign_anew()

    def reshuffle(self, turn: int) -> None:
        """A rebalance that moves partitions though nobody came or went."""
        self._assign_anew(turn)

    def going(self, member: str) -> frozenset[int]:
        """Partitions that the member must give up."""
        return frozenset(p for p, owner in self._owner.items() if owner == member and self._target[p] != member)

    def gone(self, member: str, partitions: frozenset[int]) -> None:
        for partition in partitions:
            if self._owner[partition] == member:
                self._owner[partition] = None

    def coming(self, member: str) -> frozenset[int]:
        """Partitions that nobody holds any more and this member is to have: it has them now."""
        free = frozenset(p for p, owner in self._owner.items() if owner is None and self._target.get(p) == member)
        for partition in free:
            self._owner[partition] = member
        return free

    def commit(self, member: str, partition: int, offset: int) -> bool:
        """Refused (fenced) for one who does not own the partition any more."""
        if self._owner[partition] != member:
            return False
        self._on_commit(partition, offset)
        self.committed[partition] = offset
        return True

    def lag(self) -> int:
        return sum(len(log) - self.committed[p] for p, log in enumerate(self.topic.partitions))

    def _assign_anew(self, turn: int = 0) -> None:
        members = sorted(self._polled)
        if not members:
            self._target = {}
            return
        for partition in self._owner:
            self._target[partition] = members[(partition + turn) % len(members)]
