"""kill -9 of the Qdrant server, which the supervisor starts again on the same data."""

from __future__ import annotations

from tests.faults.harness.trial import Trial


def test_kill_9_of_qdrant_server(server_trial: Trial) -> None:
    server = server_trial.stack.qdrant
    assert server is not None
    with server_trial.under_load():
        server_trial.pile_up(server_trial.stack.consumer)
        server_trial.breaks(server.kill)
    server_trial.verify()
