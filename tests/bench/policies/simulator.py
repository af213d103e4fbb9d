"""The consumer's loop against a store of known cost, on a clock of its own: a minute of it takes about a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consumers.limit import BatchLimit
from consumers.policies import Policy
from consumers.settings import ConsumerSettings
from tests.bench.policies.calibrate import Calibration
from tests.bench.policies.scenario import Scenario, Seconds

FETCH_WAIT_SECONDS = 0.2
NOISE_SECONDS = 0.01
RECORDS_PER_FLUSH = 1_238
"""That the calibration wrote before each flush it measured."""
EPOCH_NS = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One policy through one scenario. Times in seconds."""

    scenario: Scenario
    done: Seconds
    """When the store had each event; NaN where it was not served within the scenario's time."""
    limits: NDArray[np.int64]
    """The limit after each decision, one a second."""
    batch_sizes: NDArray[np.int64]
    """Of the batch that each event went with; 0 where it was not served."""


class Store:
    """What a call costs at a moment. Every 10 ms the store is a little slower or faster: that belongs to the moment
    and not to the call, so that all policies meet the same store, and a long call its average.
    """

    def __init__(self, costs: Calibration, scenario: Scenario, random: np.random.Generator) -> None:
        self._sizes = [0.0, *(float(size) for size in costs.batch_ms)]
        seconds = [ms / 1e3 for ms in costs.batch_ms.values()]
        self._fixed = costs.fixed_ms / 1e3
        self._seconds = [min(self._fixed, seconds[0]), *seconds]
        self._troubles = scenario.troubles
        slots = int(scenario.seconds / NOISE_SECONDS) + 2
        # A spread of this size would make the mean dearer than the median that it goes around.
        self._noise: list[float] = random.lognormal(-(costs.spread**2) / 2, costs.spread, slots).tolist()

    def call(self, size: int, at: float) -> float:
        """Seconds of a batch of this size that begins now."""
        usual = seconds = float(np.interp(size, self._sizes, self._seconds))
        for trouble in self._troubles:
            if trouble.start <= at < trouble.end:
                seconds += trouble.fixed + (trouble.per_item - 1) * max(usual - self._fixed, 0.0)
        return self._until(at, seconds) - at

    def _until(self, at: float, work: float) -> float:
        """When that many usual seconds of work are done."""
        slot = int(at / NOISE_SECONDS)
        while slot < len(self._noise):
            end = (slot + 1) * NOISE_SECONDS
            done = (end - at) / self._noise[slot]
            if done >= work:
                return at + work * self._noise[slot]
            at, work, slot = end, work - done, slot + 1
        return at + work


def simulate(
    scenario: Scenario, policy: Policy, settings: ConsumerSettings, costs: Calibration, random: np.random.Generator
) -> Run:
    """Fetch what has come, up to the limit; write; adapt; flush once a second: as ``Upserter.step`` does."""
    store = Store(costs, scenario, random)
    limit = BatchLimit(policy, settings, EPOCH_NS)
    arrivals = scenario.embedded
    done = np.full(len(arrivals), np.nan)
    sizes = np.zeros(len(arrivals), dtype=np.int64)
    limits: list[int] = []
    now, taken, unflushed, flushed_at = 0.0, 0, 0, 0.0

    def waiting() -> int:
        return int(np.searchsorted(arrivals, now, "right")) - taken

    while now < scenario.seconds:
        if taken < len(arrivals) and arrivals[taken] <= now:
            size = min(limit.value, waiting())
            waited = now - float(arrivals[taken])
            took = store.call(size, now)
            now += took
            if now >= scenario.seconds:
                break
            done[taken : taken + size] = now
            sizes[taken : taken + size] = size
            taken += size
            unflushed += size
            limit.record(size, took, waited, _ns(now))
        else:
            upcoming = float(arrivals[taken]) if taken < len(arrivals) else np.inf
            now = min(upcoming, now + FETCH_WAIT_SECONDS)
        if (decision := limit.adapt(_ns(now), waiting)) is not None:
            limits.append(decision.after)
        if now - flushed_at >= settings.commit_seconds:
            flushed_at = now
            now += costs.flush_ms / 1e3 * unflushed / RECORDS_PER_FLUSH
            unflushed = 0
    return Run(scenario, done, np.array(limits), sizes)


def _ns(seconds: float) -> int:
    return EPOCH_NS + int(seconds * 1e9)
