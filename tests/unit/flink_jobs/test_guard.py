"""The job's guard against versions that are out of date."""

from __future__ import annotations

from flink_jobs.guard import VersionGuard


def test_a_version_below_the_highest_that_went_through_is_refused() -> None:
    guard = VersionGuard()
    guard.passed("a", 5)
    assert not guard.admits("a", 4)
    assert guard.admits("a", 5), "the same version again is a replay"
    assert guard.admits("b", 1)
    guard.passed("a", 3)
    assert not guard.admits("a", 4), "a late replay of an older version forgets nothing"


def test_asking_about_a_version_that_then_fails_stops_no_older_one() -> None:
    guard = VersionGuard()
    assert guard.admits("a", 5)
    assert guard.admits("a", 4)


def test_what_is_forgotten_is_admitted_since_the_store_refuses_it_anyway() -> None:
    guard = VersionGuard(capacity=2)
    for name in ("a", "b", "c"):
        guard.passed(name, 9)
    assert guard.admits("a", 1)
    assert not guard.admits("c", 1)
