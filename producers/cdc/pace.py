"""How fast rows that are there already are sent: as fast as they become searchable, and no live change waits long."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from freshet.errors import UnavailableError
from producers.cdc.mapping import Upsert

FIRST_ROWS: Final = 16
LEAST_ROWS: Final = 8
MOST_ROWS: Final = 1_024
_STEP: Final = 1.5
_CHARS_OF_A_ROW: Final = 1_000
"""A longer one counts for more: what it takes to embed it grows with its length."""
_WINDOWS: Final = 2
"""On their way at once, so that the pipeline has work while the first of them is waited for."""
_SOON_S: Final = 0.1
_LATE_S: Final = 0.2
"""A live change waits behind the windows on their way, so for about as long as they take."""
_VISIBLE_S: Final = 30.0
_POLL_S: Final = 0.01


class Versions(Protocol):
    """What search says of documents."""

    def version(self, document_id: str) -> int:
        """-1 where there is none. Raises UnavailableError."""


class _Window(NamedTuple):
    last: Upsert
    began: float


class Pace:
    """Lets a window of documents go when the one before the last has become searchable.

    Windows grow while they become searchable soon and shrink when they are late, so that one setting fits a laptop
    under load and a cluster. By a factor: steps of so many rows would take minutes to find the size of either.
    """

    def __init__(self, versions: Versions, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._versions = versions
        self._stop = stop
        self._clock = clock
        self._windows: deque[_Window] = deque()
        self._filled = 0.0
        self._began = 0.0
        self.rows = float(FIRST_ROWS)
        """In one window, if they are short."""

    def sent(self, upsert: Upsert) -> None:
        """Blocks while too much is on its way; not for ever, as a document may end in dead letters."""
        if not self._filled:
            self._began = self._clock()
        self._filled += max(1.0, len(upsert.content.text) / _CHARS_OF_A_ROW)
        if self._filled < self.rows:
            return
        self._filled = 0.0
        self._windows.append(_Window(upsert, self._began))
        if len(self._windows) >= _WINDOWS:
            self._await(self._windows.popleft())

    def _await(self, window: _Window) -> None:
        deadline = self._clock() + _VISIBLE_S
        while not self._stop.is_set() and self._clock() < deadline:
            try:
                if self._versions.version(window.last.id) >= window.last.version:
                    break
                self._stop.wait(_POLL_S)
            except UnavailableError:
                self._stop.wait(0.5)
        took = self._clock() - window.began
        if took < _SOON_S:
            self.rows = min(MOST_ROWS, self.rows * _STEP)
        elif took > _LATE_S:
            self.rows = max(LEAST_ROWS, self.rows / _STEP)
