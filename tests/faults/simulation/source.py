"""One group member's ``consumers.source.Source``, with what librdkafka and KafkaSource do between."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from consumers.source import Message
from freshet.errors import UnavailableError
from tests.faults.simulation.kafka import Group
from tests.faults.simulation.process import Process


class GroupSource:
    """``on_revoke`` is called inside ``fetch`` and ``idle``, as librdkafka calls it inside ``poll``."""

    def __init__(self, group: Group, process: Process, on_revoke: Callable[[frozenset[int]], None]) -> None:
        self._group, self._process, self._on_revoke = group, process, on_revoke
        self._name = process.name
        self._owned: frozenset[int] = frozenset()
        self._position: dict[int, int] = {}
        self._uncommitted: dict[int, int] = {}

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        self._process.point("fetch")
        self._poll()
        batch = self._take(limit)
        if not batch:
            self._process.rest(seconds)
            return []
        self._process.trace(f"fetched {[(one.partition, one.offset) for one in batch]}")
        return batch

    def idle(self, seconds: float) -> None:
        self._process.rest(seconds)
        self._poll()

    def owned(self) -> frozenset[int]:
        return self._owned

    def commit(self, positions: Mapping[int, int]) -> None:
        self._process.point("commit")
        self._uncommitted.update(positions)
        offsets = {p: offset for p, offset in self._uncommitted.items() if p in self._owned}
        self._uncommitted.clear()
        if offsets and self._process.chance.happens(self._process.rates.commit_failed):
            self._uncommitted.update(offsets)
            if self._process.chance.happens(0.5):
                raise UnavailableError("cannot commit offsets", "simulated")
            return
        for partition, offset in sorted(offsets.items()):
            accepted = self._group.commit(self._name, partition, offset)
            self._process.trace(f"commit {partition}@{offset} {'accepted' if accepted else 'fenced'}")
            if not accepted:
                self._uncommitted.setdefault(partition, offset)

    def rewind(self, positions: Mapping[int, int]) -> None:
        for partition, offset in positions.items():
            if partition in self._owned:
                self._position[partition] = offset

    def lag(self) -> int:
        return 0

    def close(self) -> None:
        self._poll()
        self._on_revoke(self._owned)
        self._owned = frozenset()
        self._group.leave(self._name)

    def _poll(self) -> None:
        if not self._group.poll(self._name):
            lost, self._owned = self._owned, frozenset()
            if lost:
                self._process.trace(f"lost {sorted(lost)}")
                self._on_revoke(lost)
        going = self._group.going(self._name) & self._owned
        if going:
            self._process.trace(f"revoked {sorted(going)}")
            self._on_revoke(going)
            self._owned -= going
            self._group.gone(self._name, going)
        coming = self._group.coming(self._name)
        for partition in sorted(coming):
            self._position[partition] = self._group.committed[partition]
            self._uncommitted.pop(partition, None)
        if coming:
            self._process.trace(f"assigned {[(p, self._position[p]) for p in sorted(coming)]}")
            self._owned |= coming

    def _take(self, count: int) -> list[Message]:
        topic = self._group.topic
        batch: list[Message] = []
        for partition in self._process.chance.shuffled(sorted(self._owned)):
            start = self._position[partition]
            for offset, record in enumerate(topic.partitions[partition][start : start + count - len(batch)], start):
                batch.append(Message(topic.name, partition, offset, record.key, record.value, {}))
            self._position[partition] = start + sum(one.partition == partition for one in batch)
        return batch
