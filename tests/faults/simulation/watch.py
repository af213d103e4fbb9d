"""What must hold at every moment of a history, not only at its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from consumers.progress import MAX_INCOMPLETE
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
        store.on_head = self._replaced

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

    def _replaced(self, before: Head | None, after: Head) -> None:
        """A head that replaces another forgets no chunk that it had noted, unless that is of no more use."""
        present = {one.version: one.chunks for one in after.incomplete}
        for one in before.incomplete if before else ():
            if (
                one.version > after.version
                and len(present) < MAX_INCOMPLETE
                and present.get(one.version, 0) < one.chunks
            ):
                detail = (
                    f"{one.chunks} chunks of version {one.version} had come, {present.get(one.version, 0)} are left"
                )
                self.findings.append(Finding(Kind.BACKWARDS, after.document_id, detail))

    def power_lost(self) -> None:
        """What was acknowledged and not yet durable may be gone: readers start anew."""
        self._seen.clear()

    def committed(self, partition: int, offset: int) -> None:
        """Every record below ``offset`` must be durable in the store, a dead letter, or of no more use.

        Of no more use is what a newer version replaced, and what comes again behind ``offset``: should a power loss
        take that, it is read again itself, since each record is held to this rule.
        """
        if offset <= self._upto[partition]:
            return
        durable, present = self._store.durable_heads(), self._store.dump()[0]
        log = self._topic.partitions[partition]
        dead = {one.offset for one in self._letters if one.topic == self._topic.name and one.partition == partition}
        for number in range(self._upto[partition], offset):
            if number in dead:
                continue
            value = log[number].value
            record = _decoded(value)
            if record is None:
                self._lost(f"{partition}@{number}", "committed, and neither stored nor a dead letter")
            elif not _holds(durable.get(record.id), record):
                head = present.get(record.id)
                replaced = head is not None and head.version > record.version
                comes_again = _holds(head, record) and any(later.value == value for later in log[offset:])
                if not replaced and not comes_again:
                    detail = f"{partition}@{number} (version {record.version}) was committed before it was durable"
                    self._lost(record.id, detail)
        self._upto[partition] = offset

    def _lost(self, document_id: str, detail: str) -> None:
        self.findings.append(Finding(Kind.LOST, document_id, detail))


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
    return any(_has(one, record) for one in head.incomplete)


def _has(progress: Progress, record: EmbeddingRecord) -> bool:
    if progress.version != record.version:
        return False
    if any(first <= record.part < end for first, end in progress.full):
        return True
    return bool(progress.partial.get(record.part, (0, 0))[1] >> record.chunk & 1)
