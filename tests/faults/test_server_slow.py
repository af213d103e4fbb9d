"""Every answer of the Qdrant server comes 150 ms later."""

from __future__ import annotations

from tests.faults.harness.store_front import StoreFront
from tests.faults.harness.trial import Trial

SECONDS = 30.0
DELAY_MS = 150


def test_qdrant_server_slowed_by_150_ms(server_trial: Trial, store_front: StoreFront) -> None:
    with server_trial.under_load():
        server_trial.pile_up(server_trial.stack.consumer)
        with store_front.proxy.toxic("latency", "downstream", latency=DELAY_MS):
            server_trial.breaks(lambda: server_trial.stays_broken(SECONDS))
    server_trial.verify()
