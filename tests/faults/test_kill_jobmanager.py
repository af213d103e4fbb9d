"""kill -9 of the JobManager: the job goes with it, and is submitted again from its last checkpoint."""

from __future__ import annotations

from tests.faults.harness.trial import Trial


def test_kill_9_of_jobmanager(trial: Trial) -> None:
    with trial.under_load():
        trial.pile_up(trial.stack.taskmanager)
        trial.breaks(trial.stack.jobmanager.kill)
    trial.verify()
