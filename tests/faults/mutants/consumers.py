"""Mistakes that a consumer could make. Each is the real Upserter but for one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from consumers.batch import Arrival, Write, plan
from consumers.source import Message
from consumers.uncommitted import Written
from consumers.upserter import Upserter
from freshet.dead_letters import DeadLetter
from freshet.errors import UnavailableError
from freshet.store import ChunkPoint, Head
from tests.faults.simulation.access import LetterAccess, StoreAccess
from tests.faults.simulation.source import GroupSource


class CommitsAtFetch(GroupSource):
    """As auto-commit does."""

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        messages = super().fetch(limit, seconds)
        self.commit({message.partition: message.offset + 1 for message in messages})
        return messages


class CommitsBeforeWrite(Upserter):
    def _process(self, messages: Sequence[Message], started: int) -> None:
        self._source.commit({message.partition: message.offset + 1 for message in messages})
        super()._process(messages, started)


class DropsOnStoreError(Upserter):
    def _process(self, messages: Sequence[Message], started: int) -> None:
        try:
            super()._process(messages, started)
        except UnavailableError:
            self._uncommitted.add(messages, {}, {})


class Trusting(Upserter):
    """Believes that what the store acknowledged stays."""

    def _confirm(self, due: Sequence[Written]) -> bool:
        return True


class KeepsBatchInMap(Upserter):
    """The last record of each document in a batch, as a map by key would keep it."""

    def _apply(self, arrivals: Sequence[Arrival]) -> Write:
        return super()._apply(list({arrival.record.id: arrival for arrival in arrivals}.values()))


class IgnoresVersions(Trusting):
    """Every arrival is taken for newer than what is there."""

    def _apply(self, arrivals: Sequence[Arrival]) -> Write:
        write = Write()
        for arrival in arrivals:
            heads = self._store.heads([arrival.record.id])
            unguarded = {
                name: replace(head, version=min(head.version, arrival.record.version - 1))
                for name, head in heads.items()
            }
            write = plan([arrival], unguarded, self._clock())
            self._store.write(write.chunks, [replace(head, replaces=None) for head in write.heads], write.sweep)
        return write


def by_time_of_day(**parts: Any) -> Upserter:
    """Believes that an hour has passed when somebody sets the clock."""
    return Upserter(**{**parts, "ticks": parts["clock"]})


class BlindHeads(StoreAccess):
    """Heads are guarded by their version alone, not by what they were made from."""

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        super().write(chunks, [replace(head, replaces=None) for head in heads], sweep)


class LatestArrivalWins(StoreAccess):
    """The store guards nothing: whatever arrives later replaces what is there."""

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        for head in heads:
            self._store.forget(head.document_id)
        super().write(chunks, [replace(head, replaces=None) for head in heads], sweep)


class HardDelete(StoreAccess):
    """A deleted document leaves no trace."""

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        super().write(chunks, heads, sweep)
        for head in heads:
            if head.deleted:
                self._store.forget(head.document_id)


class DropsLetters(LetterAccess):
    def send(self, letters: Sequence[DeadLetter]) -> None: ...
