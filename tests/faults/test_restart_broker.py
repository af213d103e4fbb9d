"""An orderly restart of the broker."""

from __future__ import annotations

from tests.faults.harness.trial import Trial


def test_broker_restart(trial: Trial) -> None:
    with trial.under_load():
        trial.pile_up(trial.stack.taskmanager)
        trial.breaks(lambda: trial.stack.broker.stop(30))
    trial.verify()
