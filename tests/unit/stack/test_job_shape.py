"""A checkpoint is given up where the job that comes has other operators than the one that wrote it."""

from __future__ import annotations

from pathlib import Path

from freshet.stack.job_shape import JobShape

SERVER = {"FRESHET_JOB_EMBEDDING": "ml-predict"}


def test_another_route_or_a_context_is_another_shape_and_the_defaults_are_none(tmp_path: Path) -> None:
    checkpoints = tmp_path / "flink" / "checkpoints"
    (checkpoints / "job" / "chk-1").mkdir(parents=True)
    first = JobShape(checkpoints, {})
    assert not first.changed(), "a folder of an earlier version says nothing"
    first.keep()
    assert not JobShape(checkpoints, {"FRESHET_JOB_EMBEDDING": "in-process", "FRESHET_JOB_RETRIES": "3"}).changed()
    assert JobShape(checkpoints, {"FRESHET_JOB_CONTEXT_MESSAGES": "3"}).changed()
    server = JobShape(checkpoints, SERVER)
    assert server.changed()
    server.forget()
    server.keep()
    assert not checkpoints.exists()
    assert not JobShape(checkpoints, SERVER).changed()
    assert JobShape(checkpoints, {}).changed()
