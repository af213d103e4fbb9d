"""The batch-size policies as pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.policy import MAX_LIMIT, MIN_LIMIT, POLICIES, Observations, Policy, seed, seed_plus_one

limits = st.integers(MIN_LIMIT, MAX_LIMIT)
latencies = st.none() | st.floats(0, 120)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
@given(limit=limits, p99=latencies)
def test_every_policy_stays_between_the_bounds(policy: Policy, limit: int, p99: float | None) -> None:
    assert MIN_LIMIT <= policy(limit, Observations(p99)) <= MAX_LIMIT


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
@given(limit=limits)
def test_nothing_observed_changes_nothing(policy: Policy, limit: int) -> None:
    assert policy(limit, Observations(None)) == limit


@pytest.mark.parametrize(
    ("limit", "p99", "expected"),
    [(100, 0.101, 80), (100, 0.1, 100), (100, 0.05, 100), (100, 0.049, 110), (1, 0.2, 1), (480, 0.01, 500)],
)
def test_the_seeds_rule(limit: int, p99: float, expected: int) -> None:
    assert seed(limit, Observations(p99)) == expected


def test_the_seed_sticks_at_nine_and_below_and_its_sibling_does_not() -> None:
    fast = Observations(0.01)
    assert seed(9, fast) == 9
    assert seed_plus_one(9, fast) == 10
    assert seed_plus_one(1, fast) == 2
