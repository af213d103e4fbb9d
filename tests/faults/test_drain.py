"""SIGTERM: consumer and search end in order within ten seconds, and lose nothing."""

from __future__ import annotations

import time

import pytest

from tests.faults.harness.trial import Trial

DRAIN_SECONDS = 10.0


@pytest.mark.short
def test_sigterm_of_serve(trial: Trial) -> None:
    with trial.under_load():
        with trial.lab.keeper.held():
            trial.pile_up(trial.stack.serve)
            asked = time.monotonic()
            trial.breaks(lambda: trial.stack.serve.stop(2 * DRAIN_SECONDS))
            took = time.monotonic() - asked
        assert took <= DRAIN_SECONDS
    trial.verify()
