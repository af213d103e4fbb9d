"""As many records as can be written in time, by what a batch and a record in it are seen to cost."""

from __future__ import annotations

from statistics import median

from consumers.policies.cost import Cost, fit
from consumers.policies.observations import MAX_LIMIT, Observations, bounded

IN_TIME_SECONDS = 0.040
"""Of one batch. A record may wait for the batch before its own: twice this leaves 20 ms for the way to the consumer."""
EFFICIENCY = 0.9
"""Of the highest throughput, where a backlog has to go: larger batches would gain little and take longer."""
LONGEST_SECONDS = 1.0
"""That the records of one batch may take, whatever is gained: commits and a stop wait for it."""
MOST_GROWTH = 2.0
MOST_SHRINKING = 0.5


def deadline(limit: int, seen: Observations) -> int:
    """Shrink only when the cost per record rises; when the fixed cost does, larger batches are the way out.

    The limit is the size that is written within 40 ms. When the consumer is behind (more waits than the limit, or
    has waited for longer than that), or the fixed cost leaves no such size, it is the size that reaches 90 % of the
    highest throughput, if that is larger. It moves by a factor of 2 at most, since a line fitted to small batches says
    little of large ones.
    """
    if not seen.samples:
        return limit
    cost = fit(seen.samples)
    if cost is None:
        return _probe(limit, seen)
    target = _in_time(cost)
    # Where nothing was slow, the line through a few small batches is no reason to shrink.
    if all(sample.seconds <= IN_TIME_SECONDS for sample in seen.samples):
        target = max(target, limit)
    if seen.backlog > limit or (seen.waited or 0.0) > IN_TIME_SECONDS or cost.fixed >= IN_TIME_SECONDS:
        target = max(target, _efficient(cost))
    return bounded(min(max(target, limit * MOST_SHRINKING), max(limit * MOST_GROWTH, limit + 1)))


def _in_time(cost: Cost) -> float:
    return (IN_TIME_SECONDS - cost.fixed) / cost.per_item if cost.per_item else MAX_LIMIT


def _efficient(cost: Cost) -> float:
    if not cost.per_item:
        return MAX_LIMIT
    return min(cost.fixed * EFFICIENCY / (1 - EFFICIENCY), LONGEST_SECONDS) / cost.per_item


def _probe(limit: int, seen: Observations) -> int:
    """All batches had one size, so nothing says what more records would cost: go on a little and see.

    Where the limit held batches to that size, go on to what would be in time even if records alone cost it. Where it
    did not and they were late, a larger one would help nobody.
    """
    typical = median(sample.seconds for sample in seen.samples)
    step = limit + max(1, limit // 10)
    if seen.samples[-1].size >= limit:
        growth = MOST_GROWTH if typical <= IN_TIME_SECONDS / MOST_GROWTH else IN_TIME_SECONDS / typical
        return bounded(max(step, limit * growth))
    return bounded(step) if typical <= IN_TIME_SECONDS else limit
