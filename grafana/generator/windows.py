"""Lengths of time in rules, all of which a test can make shorter by one factor."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LEAST_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Windows:
    """``speed`` 30 makes ten seconds of five minutes."""

    speed: float = 1.0

    def of(self, seconds: float) -> str:
        """As PromQL writes it."""
        scaled = max(LEAST_SECONDS, round(seconds / self.speed))
        for unit, length in (("d", DAY), ("h", HOUR), ("m", MINUTE)):
            if scaled % length == 0:
                return f"{scaled // length}{unit}"
        return f"{scaled}s"

    def held(self, seconds: float) -> str:
        """How long a condition must hold; may be nothing."""
        return self.of(seconds) if seconds else "0s"

    def number(self, seconds: float) -> str:
        """As a bound on a metric in seconds."""
        return f"{seconds / self.speed:g}"
