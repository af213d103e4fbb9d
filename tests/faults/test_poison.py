"""One record in a hundred is poison, of twenty kinds: each becomes one dead letter, and its neighbours go on."""

from __future__ import annotations

from collections import Counter

from freshet.stack.process import wait_until
from tests.faults.harness.poison import KINDS
from tests.faults.harness.trial import Trial

SHARE = 0.01
EVENTS_SECONDS = 90.0


def test_one_percent_of_poison(trial: Trial) -> None:
    with trial.under_load(poison=SHARE, rate=150):
        trial.pile_up(trial.stack.taskmanager)
        wait_until(lambda: len(trial.sender.poisoned) > len(KINDS), "every kind was sent", EVENTS_SECONDS)
    trial.verify()
    expected = Counter((place.partition, place.offset, place.poison.reason) for place in trial.sender.poisoned)
    letters = [stored.letter for stored in trial.dead]
    assert Counter((letter.partition, letter.offset, letter.reason) for letter in letters) == expected
    by_place = {(place.partition, place.offset): place.poison for place in trial.sender.poisoned}
    for letter in letters:
        poison = by_place[letter.partition, letter.offset]
        assert (letter.key, letter.value or None) == (poison.key, poison.value or None), poison.kind
