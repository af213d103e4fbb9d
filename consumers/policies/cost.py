"""What a batch costs: so much at all, and so much for each record in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from consumers.policies.observations import Sample


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a batch of n records are about ``fixed + n * per_item``. Neither is negative."""

    fixed: float
    per_item: float


def fit(samples: Sequence[Sample]) -> Cost | None:
    """The cost of the typical batch, or None where batches of one size only were seen: nothing tells the two apart.

    Theil and Sen's line: the median of the slopes between all pairs, each weighted by how far apart its sizes are. Up
    to a quarter of the samples may be stalls, and it stays where it was. Quadratic: give it about a hundred samples.
    """
    sizes = np.array([sample.size for sample in samples], dtype=float)
    seconds = np.array([sample.seconds for sample in samples], dtype=float)
    first, second = np.triu_indices(len(sizes), k=1)
    run = sizes[second] - sizes[first]
    rise = (seconds[second] - seconds[first])[run != 0]
    run = run[run != 0]
    if not len(run):
        return None
    slopes, weights = rise / run, np.abs(run)
    order = np.argsort(slopes)
    heavier = np.cumsum(weights[order])
    per_item = max(0.0, float(slopes[order][np.searchsorted(heavier, heavier[-1] / 2)]))
    return Cost(max(0.0, float(np.median(seconds - per_item * sizes))), per_item)
