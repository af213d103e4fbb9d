"""What goes wrong, and when: every decision of a simulation is drawn here, from one seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rates:
    """Probabilities, per call where nothing else is said."""

    refused: float
    """The store fails before it applies anything."""
    answer_lost: float
    """It applies all, and the caller learns of a failure."""
    torn: float
    """It fails between two operations of one write."""
    stalled: float
    """The process freezes at this call."""
    died: float
    """The process dies at this call."""
    slow: float
    """The call takes seconds."""
    commit_failed: float
    letter_failed: float
    """Before or after the letters were written."""


def no_faults() -> Rates:
    return Rates(0, 0, 0, 0, 0, 0, 0, 0)


class Chance:
    """One stream of random numbers for the whole history, so that one seed gives one history."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """Both ends included."""
        return self._random.randint(low, high)

    def seconds(self, low: float, high: float) -> float:
        return low + (high - low) * self._random.random()

    def one_of(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        mixed = list(items)
        self._random.shuffle(mixed)
        return mixed

    def rates(self) -> Rates:
        """A mood for one history: mostly a few kinds of fault at a time, which then are frequent."""
        levels = (0.0, 0.0, 0.01, 0.05)
        drawn = [self.one_of(levels) for _ in range(8)]
        drawn[4] = min(drawn[4], 0.02)
        return Rates(*drawn)
