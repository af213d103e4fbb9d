"""Two sources write the same documents, their clocks an hour ahead and an hour behind: the highest version wins.

The stamps that a record carries are as wrong, and decide nothing.
"""

from __future__ import annotations

from tests.faults.harness.trial import Trial

HOUR_NS = 3_600 * 10**9


def test_clocks_an_hour_apart(trial: Trial) -> None:
    with trial.under_load(skew_ns=HOUR_NS):
        trial.pile_up(trial.stack.serve)
        trial.wait_sent(600)
    trial.verify()
