"""Every record comes three times."""

from __future__ import annotations

from tests.faults.harness.trial import Trial


def test_every_record_three_times(trial: Trial) -> None:
    with trial.under_load(copies=3, rate=150):
        trial.pile_up(trial.stack.serve)
        trial.wait_sent(500)
    trial.verify()
