"""What was written and not yet committed: up to where, since when, and what the store must still say of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from consumers import progress
from consumers.source import Message
from freshet.store import Head


@dataclass(slots=True)
class Written:
    """Everything between two flushes. ``firsts`` and ``positions`` are the first offset and the next, by partition."""

    flushed_at: int = 0
    firsts: dict[int, int] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)
    reached: dict[str, Head] = field(default_factory=dict)
    """What the heads said after the writes; they, or newer ones, must be there before offsets are committed."""
    sweep: dict[str, int] = field(default_factory=dict)
    """Chunks of versions below, by document: of no use once the head is certain."""


class Uncommitted:
    """In the order of writing. Not thread-safe."""

    def __init__(self) -> None:
        self._latest = Written()
        self._flushed: deque[Written] = deque()

    def __bool__(self) -> bool:
        return bool(self._latest.positions or self._flushed)

    def add(self, messages: Sequence[Message], reached: dict[str, Head], sweep: dict[str, int]) -> bool:
        """These records were written, or turned out to need no write.

        False where the store began this batch with less than an earlier one had left there: it has lost writes.
        """
        known = (*self._flushed, self._latest)
        kept = all(
            progress.reached(head, written.reached[name])
            for written in known
            for name, head in reached.items()
            if name in written.reached
        )
        for message in messages:
            self._latest.firsts.setdefault(message.partition, message.offset)
            self._latest.positions[message.partition] = message.offset + 1
        self._latest.reached.update(reached)
        self._latest.sweep.update(sweep)
        return kept

    def flushed(self, now_ns: int) -> None:
        """Everything added so far was flushed at this time."""
        if self._latest.positions:
            self._latest.flushed_at = now_ns
            self._flushed.append(self._latest)
            self._latest = Written()

    def due(self, before_ns: int) -> list[Written]:
        """What was flushed at this time or before it, oldest first. It stays until ``done``."""
        return [written for written in self._flushed if written.flushed_at <= before_ns]

    def done(self, count: int) -> None:
        """Forget the oldest ``count``: their offsets are committed."""
        for _ in range(count):
            self._flushed.popleft()

    def release(self, partitions: Iterable[int]) -> None:
        """Their new owner answers for these."""
        for written in (*self._flushed, self._latest):
            for partition in partitions:
                written.firsts.pop(partition, None)
                written.positions.pop(partition, None)

    def restart(self, messages: Sequence[Message]) -> dict[int, int]:
        """Forget everything. Returns from where to read again, with ``messages``, fetched and not used, included."""
        firsts: dict[int, int] = {}
        for written in (*self._flushed, self._latest):
            for partition, offset in written.firsts.items():
                firsts[partition] = min(offset, firsts.get(partition, offset))
        for message in messages:
            firsts[message.partition] = min(message.offset, firsts.get(message.partition, message.offset))
        self._flushed.clear()
        self._latest = Written()
        return firsts
