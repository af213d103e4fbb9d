from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

import freshet.cli.doctor
from freshet.cli import machine_checks, part_checks, run_checks
from freshet.cli.checks import fail, ok, warn
from freshet.cli.main import app
from freshet.stack import jars
from freshet.stack.runfile import ProcessEntry, RunFile, read_run_file, write_run_file


def test_each_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = [ok("Python", "3.11"), warn("memory", "little [x]", "close something")]
    monkeypatch.setattr(freshet.cli.doctor, "examine", lambda state, watch, port: lines)
    result = CliRunner().invoke(app, ["doctor", "--state", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, "✓ Python: 3.11\n! memory: little [x]\n  → close something\n")
    lines.append(fail("disk", "full", "free some"))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    assert [check["level"] for check in json.loads(result.stdout)] == ["ok", "warn", "fail"]


def test_the_machine() -> None:
    assert machine_checks.python((3, 10)).level == "ok"
    assert machine_checks.python((3, 13)).level == "fail"
    assert machine_checks.python((3, 9)).level == "fail"
    assert machine_checks.machine("linux", "x86_64").level == "ok"
    assert machine_checks.machine("win32", "AMD64").level == "fail"
    assert machine_checks.memory(10 * 2**30).level == "ok"
    assert machine_checks.memory(2**30).level == "warn"
    assert machine_checks.open_files(65_536).level == "ok"
    assert machine_checks.open_files(256).level == "warn"
    assert machine_checks.clock(time.time()).level == "ok"
    assert machine_checks.clock(0).level == "fail"


def test_the_state_folder(tmp_path: Path) -> None:
    assert machine_checks.writable(tmp_path / "not" / "there" / "yet").level == "ok"
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "file"
    file.write_text("")
    assert machine_checks.writable(file).level == "fail"


def test_file_watches(tmp_path: Path) -> None:
    (tmp_path / "notes" / "a" / "b").mkdir(parents=True)
    limit = tmp_path / "max_user_watches"
    assert machine_checks.watches(tmp_path / "notes", limit) is None
    for allowed, level in (("100", "ok"), ("3", "fail")):
        limit.write_text(allowed)
        found = machine_checks.watches(tmp_path / "notes", limit)
        assert found is not None
        assert found.level == level


def test_jars(tmp_path: Path) -> None:
    lacking = part_checks.jar_files(tmp_path)
    assert (lacking.level, "not here yet" in lacking.detail) == ("warn", True)
    name = jars.pinned("kafka")[0].name
    (tmp_path / name).write_bytes(b"no jar")
    broken = part_checks.jar_files(tmp_path)
    assert (broken.level, name in broken.remedy) == ("fail", True)


def test_a_model_that_is_not_built_is_no_failure(tmp_path: Path) -> None:
    assert part_checks.built_model(tmp_path / "none").level == "warn"
    (tmp_path / "mini-int8.onnx").write_bytes(b"")
    assert "mini-int8" in part_checks.built_model(tmp_path).detail


def test_the_run_file(tmp_path: Path) -> None:
    assert run_checks.run_file(tmp_path)[0].level == "ok"
    me = ProcessEntry(os.getpid(), psutil.Process().create_time(), "")
    gone = ProcessEntry(os.getpid(), 1.0, "")
    for processes, level, ours in (
        ({"serve": me}, "ok", True),
        ({"serve": me, "kafka": gone}, "warn", True),
        ({"serve": gone}, "warn", False),
    ):
        write_run_file(tmp_path, RunFile("now", "b", "s", "f", None, processes))
        check, run = run_checks.run_file(tmp_path)
        assert (check.level, run is not None) == (level, ours)
    (tmp_path / "run.json").write_text("{")
    assert run_checks.run_file(tmp_path)[0].level == "fail"


def test_ports(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        foreign = run_checks.port(number, "search", None, needed=True)
        assert foreign.level == "fail"
        assert f"pid {os.getpid()}" in foreign.detail
        assert "--port" in foreign.remedy
        assert run_checks.port(number, "Flink's web UI", None, needed=False).level == "warn"
        me = ProcessEntry(os.getpid(), psutil.Process().create_time(), "")
        write_run_file(tmp_path, RunFile("now", "b", "s", "f", None, {"serve": me}))
        assert run_checks.port(number, "search", read_run_file(tmp_path), needed=True).level == "ok"
    assert run_checks.port(number, "search", None, needed=True).level == "ok"


def test_a_watched_folder_that_is_none_is_told(tmp_path: Path) -> None:
    check = machine_checks.watches(tmp_path / "absent")
    assert check is not None
    assert check.level == "fail"
