"""SIGSTOP for 30 s, then SIGCONT: longer than the group's session and Flink's heartbeat, so it wakes up expelled."""

from __future__ import annotations

import pytest

from tests.faults.harness.trial import Trial

FROZEN_SECONDS = 30.0


@pytest.mark.parametrize("victim", ["serve", "taskmanager"])
def test_sigstop_for_30_s(trial: Trial, victim: str) -> None:
    process = next(one for one in trial.stack.processes if one.name == victim)
    with trial.under_load():
        trial.pile_up(process)
        with process.frozen():
            trial.breaks(lambda: trial.stays_broken(FROZEN_SECONDS))
    trial.verify()
