from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner, Result

import freshet.cli.api
import freshet.cli.system
from freshet.cli.flink_state import JobState, job_state
from freshet.cli.main import app
from freshet.cli.processes import process_state
from freshet.errors import UnavailableError
from freshet.stack.runfile import ProcessEntry, RunFile, write_run_file

SEARCH = {
    "model": {"name": "m", "revision": "r", "dimension": 384, "max_tokens": 256},
    "store": {"documents": 3, "chunks": 5, "indexed": 0, "tombstones": 0, "disk_bytes": None},
    "host": {
        "consumer": {
            "freshness_ms": {"p50": 21.0, "p99": 40.4, "events": 9},
            "batch_limit": 50,
            "policy": "deadline",
            "lag": 0,
            "error": None,
        }
    },
}


def alive() -> ProcessEntry:
    return ProcessEntry(os.getpid(), psutil.Process().create_time(), "/log/serve")


def dead() -> ProcessEntry:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ProcessEntry(ended.pid, 1.0, "/log/kafka")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system that is well; only its network answers are made up."""
    monkeypatch.setattr(freshet.cli.system, "job_state", lambda url: JobState("RUNNING", "freshet", 4, 4))
    monkeypatch.setattr(freshet.cli.api, "get", lambda *_: SEARCH)
    monkeypatch.setattr(freshet.cli.system, "_lags", lambda kafka, run: {"freshet-flink-job": 2, "freshet-consumer": 0})
    monkeypatch.setattr(freshet.cli.system, "_open_letters", lambda kafka: 1)
    monkeypatch.setenv("COLUMNS", "200")
    write(tmp_path, serve=alive())
    (tmp_path / "files").mkdir()
    files = {"scanned": 9, "to_publish": 4, "published": 4, "refused": 1, "watching": True, "root": "/notes"}
    (tmp_path / "files" / "files.json").write_text(json.dumps(files))
    return tmp_path


def write(state: Path, **processes: ProcessEntry) -> None:
    run = RunFile(
        "2026-11-21T07:00:00+00:00", "127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1", None, processes
    )
    write_run_file(state, run)


def status(state: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["status", "--state", str(state), *arguments])


def test_all_is_well(state: Path) -> None:
    result = status(state)
    assert result.exit_code == 0, result.output
    for text in (
        "serve", "/log/serve", "RUNNING, 4 of 4", "freshet-flink-job: 2 records", "p50 21 ms, p99 40 ms",
        "50 by deadline",
        "384 dimensions", "3 documents, 5 chunks", "dead-letters list", "9 seen, 4 of 4 published, 1 refused",
        "All is well",
    ):  # fmt: skip
        assert text in result.stdout
    assert json.loads(status(state, "--json").stdout)["troubles"] == []


def test_a_dead_process_is_said_with_its_log(state: Path) -> None:
    write(state, serve=alive(), kafka=dead())
    result = status(state)
    assert result.exit_code == 3
    assert "kafka" in result.stdout
    assert "/log/kafka" in result.stdout
    seen = json.loads(status(state, "--json").stdout)
    assert [process["alive"] for process in seen["processes"]] == [True, False]


def test_a_run_that_is_over_is_one_trouble(state: Path) -> None:
    write(state, serve=dead(), kafka=dead())
    seen = json.loads(status(state, "--json").stdout)
    assert "none of its processes lives" in seen["troubles"][0]["what"]
    assert len([trouble for trouble in seen["troubles"] if "pid" in trouble["what"]]) == 0


def test_nothing_runs(tmp_path: Path) -> None:
    result = status(tmp_path)
    assert result.exit_code == 3
    assert "make run" in result.stderr
    assert json.loads(status(tmp_path, "--json").stdout)["troubles"][0]["what"].startswith("Freshet is not running")


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (JobState("RUNNING", "freshet", 3, 4), "3 of 4 tasks"),
        (JobState("RESTARTING", "freshet", 0, 4, "java.lang.Boom"), "java.lang.Boom"),
        (JobState("NONE"), "No Flink job runs"),
        (JobState("FAILED", exception="boom"), "boom"),
        (JobState("UNREACHABLE", exception="refused"), "Flink does not answer"),
    ],
)
def test_a_job_that_does_not_run(state: Path, monkeypatch: pytest.MonkeyPatch, job: JobState, says: str) -> None:
    monkeypatch.setattr(freshet.cli.system, "job_state", lambda url: job)
    result = status(state)
    assert result.exit_code == 3
    assert says in result.stdout


def test_parts_that_do_not_answer_are_troubles_and_the_rest_is_shown(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise UnavailableError("Search does not answer", "refused", "look at the log")

    monkeypatch.setattr(freshet.cli.api, "get", away)
    result = status(state)
    assert result.exit_code == 3
    assert "Search does not answer: refused" in result.stdout
    assert "look at the log" in result.stdout
    assert "freshet-flink-job: 2 records" in result.stdout


def test_a_pid_that_was_used_again_is_not_ours() -> None:
    assert process_state("x", alive()).alive
    mine = process_state("x", alive())
    assert (mine.memory_bytes or 0) > 1_000_000
    assert not process_state("x", ProcessEntry(os.getpid(), 1.0, "")).alive


def test_flink_out_of_reach_never_raises() -> None:
    assert job_state("http://127.0.0.1:1").state == "UNREACHABLE"
