"""Changes come in an order that has nothing to do with their versions, and twice."""

from __future__ import annotations

import pytest

from tests.faults.harness.trial import Trial


@pytest.mark.short
def test_order_shuffled_within_200(trial: Trial) -> None:
    with trial.under_load(window=200, copies=2, rate=150):
        trial.pile_up(trial.stack.serve)
        trial.wait_sent(400)
    trial.verify()
