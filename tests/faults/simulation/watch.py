"""What must hold at every moment of a history, not only at its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from freshet.codec import decode_embedding
from freshet.dead_letters import DeadLetter
from freshet.errors import RejectedRecord
from freshet.events import EmbeddingRecord
from freshet.store import Head, Progress
from tests.faults.harness.checker import Finding, Kind
from tests.faults.simulation.kafka import Topic
from tests.faults.simulation.store import SimulatedStore

_QUERY = np.full(4, 0.5, np.float32)


class Watch:
    """Keeps what a reader has seen, and what was committed."""

    def __init__(self, store: SimulatedStore, topic: Topic, letters: Sequence[DeadLetter]) -> None:
        self._store, self._topic, self._letters = store, topic, letters
        self._seen: dict[str, int] = {}
        self._upto = dict.fromkeys(range(len(topic.partitions)), 0)
        self.findings: list[Finding] = []

    def search(self) -> None:
        """A reader looks at everything: no version goes back, none is torn."""
        counted: dict[str, int] = {}
        heads: dict[str, Head] = {}
        for hit in self._store.search(_QUERY, 10_000):
            counted[hit.document_id] = counted.get(hit.document_id, 0) + 1
            heads[hit.document_id] = hit.head
        for name, head in heads.items():
            if head.version < self._seen.get(name, -1):
                detail = f"version {head.version} was found after {self._seen[name]}"
                self.findings.append(Finding(Kind.BACKWARDS, name, detail))
            if counted[name] != head.chunks:
                detail = f"a search found {counted[name]} of the {head.chunks} chunks of version {head.version}"
                self.findings.append(Finding(Kind.TORN, name, detail))
            self._seen[name] = head.version

    def power_lost(self) -> None:
        """What was acknowledged and not yet durable may be gone: readers start anew."""
        self._seen.clear()

    def committed(self, partition: int, offset: int) -> None:
        """Every record below ``offset`` must be durable in the store, or a dead letter."""
        if offset <= self._upto[partition]:
            return
        durable = self._store.durable_heads()
        dead = {letter.offset for letter in self._letters if letter.topic == self._topic.name} and {
            letter.offset
            for letter in self._letters
            if letter.topic == self._topic.name and letter.partition == partition
        }
        for number in range(self._upto[partition], offset):
            if number in dead:
                continue
            record = _decoded(self._topic.partitions[partition][number].value)
            if record is None:
                self.findings.append(
                    Finding(Kind.LOST, f"{partition}@{number}", "committed, and neither stored nor a dead letter")
                )
            elif not _holds(durable.get(record.id), record):
                detail = f"{partition}@{number} (version {record.version}) was committed before it was durable"
                self.findings.append(Finding(Kind.LOST, record.id, detail))
        self._upto[partition] = offset


def _decoded(value: bytes) -> EmbeddingRecord | None:
    try:
        return decode_embedding(value)
    except RejectedRecord:
        return None


def _holds(head: Head | None, record: EmbeddingRecord) -> bool:
    if head is None:
        return False
    if head.version >= record.version:
        return True
    return any(_has(one, record) for one in incomplete(head))


def incomplete(head: Head) -> list[Progress]:
    """The versions of which some chunks have come, and not all."""
    return [one for one in (head.pending,) if one is not None]


def _has(progress: Progress, record: EmbeddingRecord) -> bool:
    if progress.version != record.version:
        return False
    if any(first <= record.part < end for first, end in progress.full):
        return True
    return bool(progress.partial.get(record.part, (0, 0))[1] >> record.chunk & 1)
