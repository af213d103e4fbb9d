"""How long a file has to lie still before it is read, so that it is read when it is whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from producers.files.stamp import Stamp

LARGE_BYTES: Final = 4 * 2**20

_USUAL_S: Final = 0.008
_EMPTY_S: Final = 0.2
_LARGE_S: Final = 0.25
_LONGEST_STREAK_S: Final = 0.25
_STREAK_ENDS_S: Final = 1.0
_PATIENCE_S: Final = 2.0
_MAX_KEPT: Final = 10_000


class Quiet:
    """8 ms after its last write for a file that changes now and then.

    Longer for an empty one (an editor truncates before it writes), for a large one (a copy has pauses), and twice as
    long with each publication that follows within a second. No file waits for more than two seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._streaks: dict[str, tuple[float, int]] = {}

    def published(self, path: str) -> None:
        """Note that a version of the file was just sent."""
        now = self._clock()
        if len(self._streaks) >= _MAX_KEPT:
            self._streaks = {kept: at for kept, at in self._streaks.items() if now - at[0] < _STREAK_ENDS_S}
        self._streaks[path] = (now, self._streak(path, now) + 1)

    def wait_s(self, path: str, stamp: Stamp, now_ns: int, waited_s: float) -> float:
        """Seconds still to wait, 0 to read it now. ``waited_s`` is how long ago this change was first seen."""
        age_s = (now_ns - stamp.mtime_ns) / 1e9
        if age_s < 0 or waited_s >= _PATIENCE_S:
            return 0.0
        if stamp.size == 0:
            needed = _EMPTY_S
        elif stamp.size > LARGE_BYTES:
            needed = _LARGE_S
        else:
            needed = min(_USUAL_S * 2 ** min(self._streak(path, self._clock()), 10), _LONGEST_STREAK_S)
        return max(0.0, needed - age_s)

    def _streak(self, path: str, now: float) -> int:
        last, count = self._streaks.get(path, (float("-inf"), 0))
        return count if now - last < _STREAK_ENDS_S else 0
