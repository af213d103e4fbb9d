"""The seed's rule, which is the reference, and the same with growth of at least one."""

from __future__ import annotations

from consumers.policies.observations import FAST_SECONDS, MAX_LIMIT, MIN_LIMIT, SLOW_SECONDS, Observations


def seed(limit: int, seen: Observations) -> int:
    """Multiply by 0.8 above 100 ms, by 1.1 below 50 ms. It sticks at 9 and below, since int(9 * 1.1) is 9."""
    if seen.p99 is None:
        return limit
    if seen.p99 > SLOW_SECONDS:
        return max(MIN_LIMIT, int(limit * 0.8))
    if seen.p99 < FAST_SECONDS:
        return min(MAX_LIMIT, int(limit * 1.1))
    return limit


def seed_plus_one(limit: int, seen: Observations) -> int:
    """The seed's rule, but growth is at least 1, so that it leaves every limit."""
    proposed = seed(limit, seen)
    if seen.p99 is not None and seen.p99 < FAST_SECONDS:
        return min(MAX_LIMIT, max(proposed, limit + 1))
    return proposed
