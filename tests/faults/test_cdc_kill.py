"""kill -9 on the way from PostgreSQL to search, while transactions go on."""

from __future__ import annotations

from tests.faults.harness.cdc_trial import CdcTrial


def test_kill_9_of_connect(cdc: CdcTrial) -> None:
    """Its restart replays changes that were sent since the last offset was kept: older ones behind newer ones."""
    with cdc.under_load():
        cdc.breaks(cdc.cdc.connect.kill)
    cdc.verify()


def test_kill_9_of_connect_again_and_again(cdc: CdcTrial) -> None:
    with cdc.under_load():
        for _ in range(3):
            cdc.breaks(cdc.cdc.connect.kill)
            cdc.wait_changes(300)
    cdc.verify()


def test_restart_of_connect(cdc: CdcTrial) -> None:
    with cdc.under_load():
        cdc.breaks(cdc.cdc.connect.stop)
    cdc.verify()


def test_kill_9_of_postgres(cdc: CdcTrial) -> None:
    with cdc.under_load():
        cdc.breaks(cdc.postgres.kill)
        cdc.wait_changes(200)
    cdc.verify()


def test_kill_9_of_the_broker_under_cdc(cdc: CdcTrial) -> None:
    with cdc.under_load():
        cdc.breaks(cdc.stack.broker.kill)
        cdc.wait_changes(200)
    cdc.verify()


def test_kill_9_of_the_cdc_producer(cdc: CdcTrial) -> None:
    with cdc.under_load():
        cdc.breaks(cdc.cdc.producer.kill)
        cdc.wait_changes(100)
    cdc.verify()
