"""Connections to the Qdrant server that are half open, or reset."""

from __future__ import annotations

from tests.faults.harness.store_front import StoreFront
from tests.faults.harness.trial import Trial

SECONDS = 20.0
RESET_AFTER_MS = 300
"""The life of each connection."""


def test_half_open_connections_to_qdrant_server(server_trial: Trial, store_front: StoreFront) -> None:
    with server_trial.under_load():
        server_trial.pile_up(server_trial.stack.consumer)
        with store_front.proxy.half_open():
            server_trial.breaks(lambda: server_trial.stays_broken(SECONDS))
    server_trial.verify()


def test_reset_connections_to_qdrant_server(server_trial: Trial, store_front: StoreFront) -> None:
    with server_trial.under_load():
        server_trial.pile_up(server_trial.stack.consumer)
        with store_front.proxy.toxic("reset_peer", "downstream", timeout=RESET_AFTER_MS):
            server_trial.breaks(lambda: server_trial.stays_broken(SECONDS))
    server_trial.verify()
