from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import freshet.cli.search
from freshet.cli.main import app
from freshet.errors import UsageError

COMMANDS = ("up", "search", "publish", "delete", "status", "doctor", "bench")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"freshet {command}" in result.output.split("Example", 1)[1]


def test_help_imports_nothing_heavy() -> None:
    heavy = ("confluent_kafka", "pydantic", "httpx", "numpy", "onnxruntime", "qdrant_edge", "psutil", "msgspec")
    program = f"import sys, freshet.cli.main; print([name for name in {heavy!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"


def test_an_error_is_told_without_a_traceback(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["search", "x", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert "Freshet is not running" in result.stderr
    assert "make run" in result.stderr
    assert result.stdout == ""


def test_debug_lets_the_error_through(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--debug", "search", "x", "--state", str(tmp_path)])
    assert isinstance(result.exception, UsageError)


def test_an_unexpected_error_says_how_to_see_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("for a test")

    monkeypatch.setattr("freshet.cli.api.get", broken)
    assert freshet.cli.search
    result = CliRunner().invoke(app, ["search", "x", "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 1
    assert "ZeroDivisionError: for a test" in result.stderr
    assert "--debug" in result.stderr


def test_wrong_usage_exits_with_2() -> None:
    assert CliRunner().invoke(app, ["search"]).exit_code == 2
    assert CliRunner().invoke(app, ["serach", "x"]).exit_code == 2


def test_a_closed_pipe_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from freshet.cli.main import main; main()", "doctor", "--help"]
    ran = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert "Traceback" not in ran.stderr
