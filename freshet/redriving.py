"""Sending dead letters back, for whoever is asked to: the stage that can is found by its entry point."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final, Protocol

from freshet.dead_letter_log import Place
from freshet.errors import UsageError
from freshet.settings import KafkaSettings

GROUP: Final = "freshet.redrive"
"""Of the one entry point that names a ``Redrive``."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many went back, and why the others stay."""

    sent: int
    refused: Mapping[Place, str]


class Redrive(Protocol):
    """Blocks until the broker has all. Raises UnavailableError where it does not take one; nothing is lost then."""

    def __call__(self, kafka: KafkaSettings, places: Collection[Place]) -> Redriven: ...


def load_redrive() -> Redrive:
    """Raises UsageError where no stage brings one."""
    for entry in entry_points(group=GROUP):
        found: Redrive = entry.load()
        return found
    raise UsageError("nothing here can redrive dead letters", f"no entry point {GROUP}", "install Freshet again")
