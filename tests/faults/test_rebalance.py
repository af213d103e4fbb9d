"""Ten joins a minute in a group of three: partitions change hands all the while."""

from __future__ import annotations

import os

import pytest

from tests.faults.harness.members_trial import MembersTrial
from tests.faults.harness.more_consumers import more_consumers
from tests.faults.harness.trial import REPORT, Trial

JOIN_EVERY_SECONDS = 6.0
JOINS = 5
FEW_JOINS = 3
"""Where no report is written."""
CONSUMERS = 3


@pytest.mark.short
def test_rebalance_10_joins_a_minute_embedded(small: MembersTrial) -> None:
    for _ in range(CONSUMERS):
        small.members.join()
    small.members.wait_shared()

    def join_and_leave() -> None:
        for _ in range(JOINS if REPORT in os.environ else FEW_JOINS):
            small.members.join()
            small.members.leave()
            small.stays_broken(JOIN_EVERY_SECONDS)

    with small.under_load():
        small.breaks(join_and_leave)
        small.settle()
    small.verify()


def test_rebalance_10_joins_a_minute_of_processes(server_trial: Trial) -> None:
    with more_consumers(server_trial, CONSUMERS - 1) as others:

        def join_and_leave() -> None:
            for _ in range(JOINS):
                others.join()
                others.leave()
                server_trial.stays_broken(JOIN_EVERY_SECONDS)

        with server_trial.under_load():
            server_trial.pile_up(server_trial.stack.consumer)
            server_trial.breaks(join_and_leave)
        server_trial.verify()
