"""The simulator behind docs/results/policies.md is deterministic, and the default policy keeps what the page says."""

from __future__ import annotations

import numpy as np
import pytest

from consumers.policies import POLICIES, Policy
from consumers.settings import ConsumerSettings
from tests.bench.policies.calibrate import load
from tests.bench.policies.figures import Figures, figures
from tests.bench.policies.plot import plot
from tests.bench.policies.report import MISS_FLOOR, MS_FLOOR, WORSE
from tests.bench.policies.scenario import Scenario, scenarios
from tests.bench.policies.simulator import Run, simulate

COSTS = load()
SCENARIOS = scenarios(COSTS, np.random.default_rng(1))
DEFAULT = ConsumerSettings().policy


def run(scenario: Scenario, policy: Policy) -> Run:
    return simulate(scenario, policy, ConsumerSettings(), COSTS, np.random.default_rng(1))


def found(scenario: Scenario, policy: str) -> Figures:
    return figures([run(scenario, POLICIES[policy])])


def test_the_same_seed_gives_the_same_run() -> None:
    again = scenarios(COSTS, np.random.default_rng(1))
    for one, other in zip(SCENARIOS, again, strict=True):
        assert np.array_equal(one.embedded, other.embedded)
    first, second = (run(SCENARIOS[1], POLICIES[DEFAULT]) for _ in range(2))
    assert np.array_equal(first.done, second.done, equal_nan=True)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_events_are_served_once_in_order_and_never_before_they_came(scenario: Scenario) -> None:
    served = run(scenario, POLICIES[DEFAULT])
    done = served.done[~np.isnan(served.done)]
    assert (np.diff(done) >= 0).all()
    assert (done > scenario.embedded[: len(done)]).all()
    assert served.batch_sizes[: len(done)].min() >= 1
    assert served.batch_sizes.max() <= max(served.limits.max(), ConsumerSettings().initial_limit)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_default_is_nowhere_worse_than_the_seed_plus_one(scenario: Scenario) -> None:
    mine, other = found(scenario, DEFAULT), found(scenario, "seed+1")
    assert mine.miss - other.miss <= max(MISS_FLOOR, WORSE * other.miss)
    assert (mine.p999 - other.p999) * 1e3 <= max(MS_FLOOR, WORSE * other.p999 * 1e3)


def test_the_plot_is_an_image_of_its_scenarios() -> None:
    drawn = plot("seed+1", {scenario.name: [run(scenario, POLICIES["seed+1"])] for scenario in SCENARIOS[:2]})
    assert drawn.startswith("<svg")
    for scenario in SCENARIOS[:2]:
        assert f">{scenario.name}</text>" in drawn
