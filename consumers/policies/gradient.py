"""A limit that follows the ratio of the fastest to the present batch time."""

from __future__ import annotations

import math
from statistics import median

from consumers.policies.observations import Observations, bounded

TOLERANCE = 2.0
"""How many times the fastest batch a batch may take before the limit shrinks: a fuller batch is slower by nature."""
STEEPEST = 0.5


def gradient(limit: int, seen: Observations) -> int:
    """``limit * clip(2 * fastest / typical, 0.5, 1) + sqrt(limit)``: delay over the fastest is read as a queue.

    The idea is TCP Vegas' (L. Brakmo and L. Peterson, "TCP Vegas: End to End Congestion Avoidance on a Global
    Internet", 1995), the formula that of the Gradient limit in Netflix' library concurrency-limits, which adds the
    square root so that a limit always probes. Both were made for a number of requests under way, whose idle latency
    does not depend on that number; a batch's does.
    """
    if not seen.samples or not seen.fastest:
        return limit
    typical = median(sample.seconds for sample in seen.samples)
    slope = min(max(TOLERANCE * seen.fastest / typical, STEEPEST), 1.0) if typical > 0 else 1.0
    return bounded(limit * slope + math.sqrt(limit))
