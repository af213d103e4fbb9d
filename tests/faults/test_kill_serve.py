"""kill -9 of the process that holds consumer, search and the embedded store."""

from __future__ import annotations

import pytest

from tests.faults.harness.trial import Trial


@pytest.mark.short
def test_kill_9_of_serve(trial: Trial) -> None:
    with trial.under_load():
        trial.pile_up(trial.stack.serve)
        trial.breaks(trial.stack.serve.kill)
    trial.verify()
