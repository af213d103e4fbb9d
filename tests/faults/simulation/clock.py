"""Simulated time: it moves only when something is simulated that takes time."""

from __future__ import annotations

from freshet.clock import Clock

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND


class SimulatedClock:
    """``now`` is in nanoseconds, the truth; each process may read it with a skew of its own."""

    def __init__(self) -> None:
        self.now = START

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def skewed(self, seconds: float) -> Clock:
        """A process's own reading, ``seconds`` ahead of the truth."""
        offset = int(seconds * SECOND)
        return lambda: self.now + offset
