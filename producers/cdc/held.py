"""Changes of captures whose database cannot be read at present: they wait, and those of others go on."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import Message

from freshet.errors import RejectedRecord
from producers.cdc.reselect import RowsAway

_FIRST_RETRY_S: Final = 0.2
_LAST_RETRY_S: Final = 5.0
_THREADS: Final = 8

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Hold:
    reach: Callable[[], None]
    due: float
    messages: deque[Message] = field(default_factory=deque)
    delay: float = _FIRST_RETRY_S
    attempt: Future[None] | None = None
    said: str = ""


class HeldChanges:
    """By capture, each in its order. What may block to reach a database does so in other threads. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._holds: dict[str, _Hold] = {}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="freshet-cdc-reach")

    def __bool__(self) -> bool:
        return bool(self._holds)

    def __contains__(self, capture: object) -> bool:
        return capture in self._holds

    def hold(self, capture: str, message: Message, away: RowsAway) -> None:
        """The first of a capture's changes that has to wait."""
        hold = _Hold(away.reach, self._clock(), deque([message]))
        hold.attempt = self._pool.submit(hold.reach)
        self._holds[capture] = hold

    def add(self, capture: str, message: Message) -> None:
        """One behind it."""
        self._holds[capture].messages.append(message)

    def retry(self, handle: Callable[[Message], None]) -> list[str]:
        """Handle what waits for databases that can be reached again; returns the captures of which nothing waits now.

        ``handle`` raises RowsAway for a change that has to wait longer.
        """
        released = []
        for capture, hold in list(self._holds.items()):
            if self._reached(capture, hold) and self._handled(capture, hold, handle):
                if hold.said:
                    _log.info("%s: its rows can be read again", capture)
                del self._holds[capture]
                released.append(capture)
        return released

    def hurry(self) -> None:
        """Definitions changed: try again at once, by what they are now."""
        for hold in self._holds.values():
            hold.reach, hold.due, hold.delay = _no_more, self._clock(), _FIRST_RETRY_S

    def forget(self, partitions: Collection[tuple[str, int]]) -> list[str]:
        """They are another's now; returns the captures of which nothing waits any more."""
        for hold in self._holds.values():
            hold.messages = deque(one for one in hold.messages if (one.topic(), one.partition()) not in partitions)
        empty = [capture for capture, hold in self._holds.items() if not hold.messages]
        for capture in empty:
            del self._holds[capture]
        return empty

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _reached(self, capture: str, hold: _Hold) -> bool:
        if hold.attempt is None:
            if self._clock() >= hold.due:
                hold.attempt = self._pool.submit(hold.reach)
            return False
        if not hold.attempt.done():
            return False
        error, hold.attempt = hold.attempt.exception(), None
        if error is None or isinstance(error, RejectedRecord):
            return True
        self._later(capture, hold, str(error) or type(error).__name__)
        return False

    def _handled(self, capture: str, hold: _Hold, handle: Callable[[Message], None]) -> bool:
        while hold.messages:
            try:
                handle(hold.messages[0])
            except RowsAway as away:
                hold.reach = away.reach
                self._later(capture, hold, str(away))
                return False
            hold.messages.popleft()
        return True

    def _later(self, capture: str, hold: _Hold, why: str) -> None:
        if why != hold.said:
            _log.warning("%s: rows cannot be read again, so that its changes wait: %s", capture, why)
            hold.said = why
        hold.due = self._clock() + hold.delay
        hold.delay = min(_LAST_RETRY_S, 2 * hold.delay)


def _no_more() -> None:
    """The change itself finds out."""
