"""kill -9 of the TaskManager, in which the job and its model run."""

from __future__ import annotations

from tests.faults.harness.trial import Trial


def test_kill_9_of_taskmanager(trial: Trial) -> None:
    with trial.under_load():
        trial.pile_up(trial.stack.taskmanager)
        trial.breaks(trial.stack.taskmanager.kill)
    trial.verify()
