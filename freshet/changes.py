"""What this process makes searchable, told to whoever listens in it: the live page, tracing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from freshet.store import Head

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WrittenBatch:
    """One batch that the store has acknowledged; times are nanoseconds since the epoch."""

    records: int
    started_ns: int
    searchable_ns: int
    finished: tuple[Head, ...]
    """The documents that became searchable by it, or were deleted."""


Listener = Callable[[WrittenBatch], None]


class Changes:
    """Thread-safe. Listeners run in the writer's thread, so they only take note and return."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._written_here = False

    @property
    def written_here(self) -> bool:
        """Whether a writer is in this process; what others write is not told here."""
        return self._written_here

    def writer(self) -> Listener:
        """What a writer calls after each batch. It never raises: a listener's failure is not the writer's."""
        self._written_here = True
        return self._tell

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Returns what ends it."""
        self._listeners = (*self._listeners, listener)

        def end() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return end

    def _tell(self, batch: WrittenBatch) -> None:
        for listener in self._listeners:
            try:
                listener(batch)
            except Exception:
                log.exception("a listener failed; writing goes on")
