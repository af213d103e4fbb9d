"""kill -9 of the broker: what it acknowledged is in the kernel's hands and survives."""

from __future__ import annotations

import pytest

from freshet.settings import Profile
from tests.faults.harness.trial import Trial


@pytest.mark.parametrize("profile", ["low-latency", "durable"])
def test_kill_9_of_broker(trial: Trial, profile: Profile) -> None:
    with trial.under_load(profile):
        trial.pile_up(trial.stack.taskmanager)
        trial.breaks(trial.stack.broker.kill)
    trial.verify()
