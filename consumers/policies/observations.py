"""What a policy may know: figures of the last seconds, all of them cheap for the consumer to keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MIN_LIMIT = 1
MAX_LIMIT = 500
SLOW_SECONDS = 0.100
FAST_SECONDS = 0.050


@dataclass(frozen=True, slots=True)
class Sample:
    """One batch: how many records it held, and the seconds from fetch to the store's acknowledgement."""

    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Observations:
    """All over the consumer's sliding window, and neutral where nothing was seen.

    The state that a policy needs is here and not in the policy, so that it stays a function.
    """

    p99: float | None
    """Seconds of a batch, None while the window is empty."""
    samples: tuple[Sample, ...] = ()
    """The newest batches, oldest first: those since the policy was last asked, and a few at least."""
    backlog: int = 0
    """Records that wait behind the last batch, as far as known."""
    waited: float | None = None
    """Seconds that the oldest record of the last batch had waited for the consumer; None where records do not say."""
    fastest: float | None = None
    """The fewest seconds that a batch took, for policies that compare with an idle store."""


Policy = Callable[[int, Observations], int]
"""The next limit, from the present one and what was seen. Pure; both are in MIN_LIMIT to MAX_LIMIT."""


def bounded(limit: float) -> int:
    """The limit as a whole number within the bounds."""
    return int(min(max(limit, MIN_LIMIT), MAX_LIMIT))
