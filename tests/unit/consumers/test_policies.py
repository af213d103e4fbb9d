"""The batch-size policies as pure functions."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.policies import (
    MAX_LIMIT,
    MIN_LIMIT,
    POLICIES,
    Observations,
    Policy,
    Sample,
    aimd,
    deadline,
    gradient,
    seed,
    seed_plus_one,
)
from consumers.policies.cost import fit
from consumers.settings import ConsumerSettings

limits = st.integers(MIN_LIMIT, MAX_LIMIT)
seconds = st.floats(0, 120)
latencies = st.none() | seconds
samples = st.lists(st.builds(Sample, limits, seconds), max_size=20).map(tuple)
observations = st.builds(
    Observations,
    p99=latencies,
    samples=samples,
    backlog=st.integers(0, 10**9),
    waited=latencies,
    fastest=latencies,
)
ALL = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
BUT_SEED = [pytest.param(policy, id=name) for name, policy in POLICIES.items() if name != "seed"]


def seen(fixed: float, per_item: float, sizes: typing.Iterable[int], backlog: int = 0) -> Observations:
    """What batches of these sizes look like in a store of this cost."""
    batches = tuple(Sample(size, fixed + per_item * size) for size in sizes)
    times = [batch.seconds for batch in batches]
    return Observations(p99=max(times), samples=batches, backlog=backlog, waited=0.0, fastest=min(times))


def after(policy: Policy, limit: int, fixed: float, per_item: float, rounds: int, backlog: int = 10**6) -> int:
    """The limit after that many decisions, where batches are as large as the limit allows and cost this much."""
    past = [limit]
    for _ in range(rounds):
        limit = policy(limit, seen(fixed, per_item, past[-10:], backlog))
        past.append(limit)
    return limit


@ALL
@given(limit=limits, found=observations)
def test_every_policy_stays_between_the_bounds(policy: Policy, limit: int, found: Observations) -> None:
    chosen = policy(limit, found)
    assert isinstance(chosen, int)
    assert MIN_LIMIT <= chosen <= MAX_LIMIT


@ALL
@given(limit=limits, found=observations)
def test_every_policy_gives_the_same_answer_again(policy: Policy, limit: int, found: Observations) -> None:
    assert policy(limit, found) == policy(limit, found)


@ALL
@given(limit=limits)
def test_nothing_observed_changes_nothing(policy: Policy, limit: int) -> None:
    assert policy(limit, Observations(None)) == limit


@pytest.mark.parametrize("policy", BUT_SEED)
@given(limit=limits)
def test_a_store_that_is_fast_again_frees_every_limit(policy: Policy, limit: int) -> None:
    """From wherever a policy was left, it is at 100 or more after a minute of quick batches."""
    assert after(policy, limit, fixed=0.001, per_item=0.00001, rounds=60) >= 100


@given(limit=limits, p99=latencies)
def test_the_seeds_rule_is_kept_to_the_letter(limit: int, p99: float | None) -> None:
    expected = limit
    if p99 is not None and p99 > 0.100:
        expected = max(1, int(limit * 0.8))
    elif p99 is not None and p99 < 0.050:
        expected = min(500, int(limit * 1.1))
    assert seed(limit, Observations(p99)) == expected


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


@given(limit=limits, p99=latencies)
def test_the_sibling_differs_from_the_seed_only_where_that_sticks(limit: int, p99: float | None) -> None:
    found = Observations(p99)
    if seed(limit, found) != limit or p99 is None or p99 >= 0.050:
        assert seed_plus_one(limit, found) == seed(limit, found)


@pytest.mark.parametrize("policy", [seed, seed_plus_one, aimd])
@given(limit=limits, one=seconds, other=seconds)
def test_a_slower_p99_never_gives_a_larger_limit(policy: Policy, limit: int, one: float, other: float) -> None:
    slow, fast = max(one, other), min(one, other)
    assert policy(limit, Observations(slow)) <= policy(limit, Observations(fast))


@ALL
@given(one=limits, other=limits, found=observations)
def test_a_larger_limit_never_gives_a_smaller_one(policy: Policy, one: int, other: int, found: Observations) -> None:
    if policy is deadline and fit(found.samples) is None:
        return  # whether a probe is made depends on whether the limit held the batches to their size
    if policy is deadline and (min(one, other) < found.backlog <= max(one, other)):
        return  # as much as the limit waits: the one is behind and the other is not
    assert policy(max(one, other), found) >= policy(min(one, other), found)


@given(limit=limits, slow=st.floats(0.0001, 10), ratio=st.floats(1, 10))
def test_the_gradient_shrinks_no_less_when_batches_take_longer(limit: int, slow: float, ratio: float) -> None:
    def found(typical: float) -> Observations:
        return Observations(p99=typical, samples=(Sample(1, typical),) * 3, fastest=slow)

    assert gradient(limit, found(slow * ratio * 2)) <= gradient(limit, found(slow * ratio))


@given(
    limit=limits,
    fixed=st.floats(0.0001, 0.03),
    cheap=st.floats(0.00001, 0.01),
    times=st.floats(1.1, 100),
    sizes=st.lists(limits, min_size=2, max_size=10, unique=True),
)
def test_deadline_shrinks_as_the_cost_per_record_rises(
    limit: int, fixed: float, cheap: float, times: float, sizes: list[int]
) -> None:
    dear = deadline(limit, seen(fixed, cheap * times, sizes))
    assert dear <= deadline(limit, seen(fixed, cheap, sizes))


@given(limit=limits, per_item=st.floats(0.00001, 0.001), sizes=st.lists(limits, min_size=2, max_size=10, unique=True))
def test_deadline_never_shrinks_for_a_stall(limit: int, per_item: float, sizes: list[int]) -> None:
    """150 ms for each call, whatever is in it: smaller batches would only make more calls."""
    assert deadline(limit, seen(0.150, per_item, sizes)) >= limit


def test_a_stall_leaves_deadline_at_the_top_and_the_seed_at_the_bottom() -> None:
    assert after(deadline, 50, fixed=0.150, per_item=0.0002, rounds=10) == MAX_LIMIT
    assert after(seed, 50, fixed=0.150, per_item=0.0002, rounds=30) == MIN_LIMIT


def test_deadline_finds_the_size_that_is_in_time_when_nothing_is_behind() -> None:
    assert deadline(20, seen(fixed=0.004, per_item=0.002, sizes=(5, 10, 20))) == 18


def test_deadline_finds_the_size_of_high_throughput_when_it_is_behind() -> None:
    late = seen(fixed=0.020, per_item=0.001, sizes=(5, 10, 20), backlog=1_000)
    assert deadline(150, late) == 180


def test_deadline_learns_of_a_store_whose_batches_all_had_one_size() -> None:
    assert after(deadline, 1, fixed=0.150, per_item=0.0001, rounds=30) == MAX_LIMIT
    assert deadline(50, seen(0.100, 0.0001, sizes=[1] * 9)) == 50, "late, but the limit held nothing back"


@given(fixed=st.floats(0, 1), per_item=st.floats(0, 0.1), sizes=st.lists(limits, min_size=2, max_size=40))
def test_the_fit_finds_the_line_that_batches_lie_on(fixed: float, per_item: float, sizes: list[int]) -> None:
    cost = fit(seen(fixed, per_item, sizes).samples)
    if len(set(sizes)) == 1:
        assert cost is None
        return
    assert cost is not None
    assert cost.fixed == pytest.approx(fixed, abs=1e-6)
    assert cost.per_item == pytest.approx(per_item, abs=1e-8)


@given(st.permutations(range(20)), st.floats(1, 100))
def test_some_stalls_do_not_move_the_fit(order: list[int], stall: float) -> None:
    sizes = [10 * (place + 1) for place in range(20)]
    batches = [Sample(size, 0.002 + 0.0005 * size) for size in sizes]
    for place in order[:2]:
        batches[place] = Sample(batches[place].size, stall)
    cost = fit(batches)
    assert cost is not None
    assert cost.per_item == pytest.approx(0.0005, rel=0.05)
    assert cost.fixed == pytest.approx(0.002, abs=0.005)


@given(samples)
def test_no_fitted_cost_is_negative(batches: tuple[Sample, ...]) -> None:
    cost = fit(batches)
    assert cost is None or (cost.fixed >= 0 and cost.per_item >= 0)


def test_the_setting_names_every_policy() -> None:
    names = typing.get_args(ConsumerSettings.model_fields["policy"].annotation)
    assert list(names) == list(POLICIES)
