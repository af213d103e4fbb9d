"""The table function as Flink opens it, without a cluster."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flink_jobs.function import IngestFunction
from flink_jobs.settings import JobSettings
from freshet.settings import model_settings


def test_a_taken_metrics_port_does_not_stop_the_job(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two workers on one machine have the same setting; in process mode a second one would else never start."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        job = JobSettings(cache_path=tmp_path / "vectors", metrics_port=taken.getsockname()[1])
        IngestFunction(job, model_settings()).open(None)
    assert "metrics cannot be served" in caplog.text
