"""Additive increase, multiplicative decrease."""

from __future__ import annotations

from consumers.policies.observations import SLOW_SECONDS, Observations, bounded

STEP = 10
FACTOR = 0.5


def aimd(limit: int, seen: Observations) -> int:
    """Add 10 while P99 is within 100 ms, halve above it.

    The rule is that of D.-M. Chiu and R. Jain, "Analysis of the Increase and Decrease Algorithms for Congestion
    Avoidance in Computer Networks", 1989, which shows why it converges where several share a resource.
    """
    if seen.p99 is None:
        return limit
    return bounded(limit * FACTOR if seen.p99 > SLOW_SECONDS else limit + STEP)
