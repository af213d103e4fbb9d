"""One of two consumers stands still for 30 s, the other takes its partitions, and then the first wakes up."""

from __future__ import annotations

from tests.faults.harness.more_consumers import more_consumers
from tests.faults.harness.trial import Trial

SECONDS = 30.0
"""Longer than the group's session of 10 s."""


def test_sigstop_of_one_of_two_consumers_for_30_s(server_trial: Trial) -> None:
    zombie = server_trial.stack.consumer
    with more_consumers(server_trial, 1):
        with server_trial.under_load():
            server_trial.pile_up(zombie)
            with zombie.frozen():
                server_trial.breaks(lambda: server_trial.stays_broken(SECONDS))
        server_trial.verify()
