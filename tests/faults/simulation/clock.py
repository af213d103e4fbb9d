"""Simulated time: it moves only when something is simulated that takes time."""

from __future__ import annotations

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND


class SimulatedClock:
    """``now`` is in nanoseconds, the truth; the time of day that a process reads may be another."""

    def __init__(self) -> None:
        self.now = START

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)
