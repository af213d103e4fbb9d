"""How a policy did, each figure by one definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.policies.scenario import Seconds
from tests.bench.policies.simulator import Run

PROMISE_SECONDS = 0.100
DEFINITIONS = """- **miss %**: events that were not in the store within 100 ms of when they were due, unserved included.
- **p99.9**: of the latencies, due → in the store; an unserved event counts with the time until the end.
- **recovery**: seconds from the end of the last trouble until every later second's events have a p99 within 100 ms,
  whatever the cause; – where there was no trouble, *never* where the last whole second is still late.
- **unserved**: events that were not in the store at the end.
- **turns**: oscillation. How often a minute the limit's direction changed, from growing to shrinking or back; decisions
  that changed nothing are skipped.
- **limit**: the least and the greatest after the first decision."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over the seeds, but ``recovery`` (the worst, inf for never, None without trouble) and the limits."""

    miss: float
    p999: float
    recovery: float | None
    unserved: float
    turns: float
    lowest: int
    highest: int


def figures(runs: Sequence[Run]) -> Figures:
    """Of one policy's runs through one scenario with different seeds."""
    late = [latencies(run) for run in runs]
    limits = [run.limits for run in runs]
    recoveries = [recovery(run) for run in runs]
    return Figures(
        miss=float(np.mean([np.mean(one > PROMISE_SECONDS) * 100 for one in late])),
        p999=float(np.mean([np.percentile(one, 99.9) for one in late])),
        recovery=None if None in recoveries else max(one for one in recoveries if one is not None),
        unserved=float(np.mean([np.isnan(run.done[run.scenario.due >= 0]).sum() for run in runs])),
        turns=float(np.mean([turns(run) for run in runs])),
        lowest=min(int(one.min()) for one in limits),
        highest=max(int(one.max()) for one in limits),
    )


def latencies(run: Run) -> Seconds:
    """Of all events but a backlog's, due to done or to the end."""
    counted = run.scenario.due >= 0
    late: Seconds = np.nan_to_num(run.done[counted], nan=run.scenario.seconds) - run.scenario.due[counted]
    return late


def recovery(run: Run) -> float | None:
    calm_at = run.scenario.calm_at
    if not calm_at:
        return None
    due = run.scenario.due[run.scenario.due >= 0]
    late = latencies(run)
    last_whole = int(run.scenario.seconds) - 1
    bad = [
        second
        for second in range(int(calm_at), last_whole)
        if (there := late[(due >= second) & (due < second + 1)]).size and np.percentile(there, 99) > PROMISE_SECONDS
    ]
    if not bad:
        return 0.0
    return float("inf") if bad[-1] == last_whole - 1 else bad[-1] + 1 - calm_at


def turns(run: Run) -> float:
    steps = np.sign(np.diff(run.limits))
    steps = steps[steps != 0]
    return float(np.count_nonzero(np.diff(steps)) / run.scenario.seconds * 60)
