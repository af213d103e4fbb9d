"""Lengths of time and bounds in rules, which a test can make smaller."""

from __future__ import annotations

import math
from dataclasses import dataclass

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LEAST_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Windows:
    """``speed`` 30 makes ten seconds of five minutes."""

    speed: float = 1.0
    held_at_most: float = math.inf
    """Seconds; a condition has to hold no longer, whatever its alert says."""
    ages: float = 1.0
    """What bounds on an age are divided by."""
    amounts: float = 1.0
    """What bounds on a number of things are divided by."""

    def of(self, seconds: float) -> str:
        """As PromQL writes it."""
        return _promql(max(LEAST_SECONDS, round(seconds / self.speed)))

    def held(self, seconds: float) -> str:
        """How long a condition must hold; may be nothing."""
        return _promql(round(min(self.held_at_most, max(LEAST_SECONDS, seconds / self.speed)))) if seconds else "0s"

    def age(self, seconds: float) -> str:
        """As a bound on a metric in seconds."""
        return f"{seconds / self.ages:g}"

    def amount(self, count: int) -> str:
        return f"{count / self.amounts:.0f}"


def _promql(seconds: int) -> str:
    for unit, length in (("d", DAY), ("h", HOUR), ("m", MINUTE)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
