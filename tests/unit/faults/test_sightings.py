"""What searches saw must not be undone; two answers that overlapped in time say nothing of an order."""

from __future__ import annotations

import pytest

from tests.faults.harness.canary import WELL, Found, gap, recovery
from tests.faults.harness.checker import Kind
from tests.faults.harness.watcher import Sightings


def kinds(sightings: Sightings) -> list[Kind]:
    return [finding.kind for finding in sightings.findings]


def test_a_version_that_goes_back_is_found() -> None:
    seen = Sightings()
    seen.shown(0.0, 1.0, "a", 2)
    seen.shown(2.0, 3.0, "a", 1)
    assert kinds(seen) == [Kind.BACKWARDS]


def test_overlapping_answers_may_come_in_any_order() -> None:
    seen = Sightings()
    seen.shown(0.0, 3.0, "a", 2)
    seen.shown(1.0, 4.0, "a", 1)
    assert kinds(seen) == []


def test_the_same_and_newer_versions_are_right() -> None:
    seen = Sightings()
    for number, version in enumerate((1, 1, 2, 5)):
        seen.shown(number, number + 0.5, "a", version)
    assert kinds(seen) == []


@pytest.mark.parametrize("version", [1, 2])
def test_what_was_seen_deleted_is_not_found_again_in_that_version(version: int) -> None:
    seen = Sightings()
    seen.shown(0.0, 1.0, "a", 2, deleted=True)
    seen.shown(2.0, 3.0, "a", version)
    assert kinds(seen) == [Kind.BACKWARDS]


def test_a_deleted_document_may_come_back_newer() -> None:
    seen = Sightings()
    seen.shown(0.0, 1.0, "a", 2, deleted=True)
    seen.shown(2.0, 3.0, "a", 3)
    assert kinds(seen) == []


def test_what_was_seen_does_not_vanish() -> None:
    seen = Sightings()
    seen.absent(0.0, "a")
    seen.shown(1.0, 2.0, "a", 1)
    seen.absent(1.5, "a")
    assert kinds(seen) == []
    seen.absent(3.0, "a")
    assert kinds(seen) == [Kind.BACKWARDS]


def test_an_answer_with_two_versions_of_a_document_is_torn() -> None:
    seen = Sightings()
    seen.together("a", [2, 2])
    assert kinds(seen) == []
    seen.together("a", [2, 1])
    assert kinds(seen) == [Kind.TORN]


def test_the_gap_counts_from_the_break_and_to_the_end() -> None:
    found = [Found(0.0, 0.1), Found(1.0, 4.0), Found(5.0, 5.1)]
    assert gap(found, 0.5, 6.0) == pytest.approx(3.5)
    assert gap(found, 4.5, 9.0) == pytest.approx(3.9)
    assert gap([], 1.0, 3.0) == 2.0


def test_recovered_is_the_first_of_a_row_in_time_that_was_sent_after_the_break() -> None:
    quick = [Found(0.2 * number, 0.2 * number + 0.05) for number in range(100)]
    assert recovery(quick, 1.0) == pytest.approx(0.05)
    slow = [*quick[:20], Found(4.0, 4.5), *quick[25:]]
    assert recovery(slow, 3.0) == pytest.approx(quick[25].found - 3.0)
    assert recovery(quick[: WELL - 1], 0.0) is None
