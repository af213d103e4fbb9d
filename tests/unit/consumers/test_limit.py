"""The batch limit over time, and what its policy is told."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from consumers.limit import BatchLimit, Decision
from consumers.policies import Observations, Sample
from consumers.settings import ConsumerSettings
from consumers.window import FEWEST_SAMPLES, MOST_SAMPLES, BatchWindow

SECOND = 1_000_000_000


@dataclass
class Asked:
    """A policy that remembers what it was told, and adds one."""

    told: list[Observations] = field(default_factory=list)

    def __call__(self, limit: int, seen: Observations) -> int:
        self.told.append(seen)
        return limit + 1


def test_the_policy_is_asked_once_an_interval_and_its_answer_is_the_limit() -> None:
    asked = Asked()
    limit = BatchLimit(asked, ConsumerSettings(initial_limit=50, adapt_seconds=1), now_ns=0)
    assert limit.adapt(SECOND - 1, lambda: 7) is None
    assert limit.value == 50
    assert limit.adapt(SECOND, lambda: 7) == Decision(50, 51, None)
    assert limit.adapt(SECOND + 1, lambda: 7) is None
    assert limit.value == 51
    assert asked.told == [Observations(p99=None, backlog=7)]


def test_the_backlog_is_counted_only_for_the_policy() -> None:
    """It may cost a question to the client library."""
    limit = BatchLimit(Asked(), ConsumerSettings(adapt_seconds=1), now_ns=0)

    def costly() -> int:
        raise AssertionError

    assert limit.adapt(SECOND // 2, costly) is None


def test_the_policy_is_told_of_the_batches() -> None:
    asked = Asked()
    limit = BatchLimit(asked, ConsumerSettings(adapt_seconds=1), now_ns=0)
    limit.record(3, 0.020, waited=0.5, now_ns=1)
    limit.record(9, 0.080, waited=0.1, now_ns=2)
    limit.adapt(SECOND, lambda: 0)
    (seen,) = asked.told
    assert seen.samples == (Sample(3, 0.020), Sample(9, 0.080))
    assert seen.waited == 0.1
    assert seen.fastest == pytest.approx(0.020, rel=0.01)
    assert seen.p99 == pytest.approx(0.080, rel=0.01)


def test_single_batches_are_those_since_the_last_look_and_a_few_at_least() -> None:
    window = BatchWindow(seconds=10)
    for number in range(20):
        window.record(number, 0.001, None, 1 + number)
    assert [one.size for one in window.observe(100, 0).samples] == list(range(20))
    window.record(99, 0.001, None, 101)
    assert [one.size for one in window.observe(200, 0).samples] == [*range(13, 20), 99]
    for number in range(FEWEST_SAMPLES + 5):
        window.record(number, 0.001, None, 201)
    assert len(window.observe(300, 0).samples) == FEWEST_SAMPLES + 5


def test_what_the_window_holds_of_single_batches_is_bounded_and_ages() -> None:
    window = BatchWindow(seconds=10)
    for _ in range(10 * MOST_SAMPLES):
        window.record(1, 0.001, 0.2, 1)
    assert len(window.observe(2, 0).samples) == MOST_SAMPLES
    assert window.observe(20 * SECOND, 3) == Observations(p99=None, backlog=3)
