"""The Qdrant server does not answer for 30 s: it takes connections and says nothing, or it refuses them."""

from __future__ import annotations

from tests.faults.harness.store_front import StoreFront
from tests.faults.harness.trial import Trial

SECONDS = 30.0


def test_qdrant_server_times_out_for_30_s(server_trial: Trial) -> None:
    server = server_trial.stack.qdrant
    assert server is not None
    with server_trial.under_load():
        server_trial.pile_up(server_trial.stack.consumer)
        with server.frozen():
            server_trial.breaks(lambda: server_trial.stays_broken(SECONDS))
    server_trial.verify()


def test_qdrant_server_refuses_for_30_s(server_trial: Trial, store_front: StoreFront) -> None:
    with server_trial.under_load():
        server_trial.pile_up(server_trial.stack.consumer)
        with store_front.proxy.down():
            server_trial.breaks(lambda: server_trial.stays_broken(SECONDS))
    server_trial.verify()
