"""``run.json`` in the state folder: what runs, where, and under which process id."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from freshet.errors import UsageError

NAME = "run.json"


class ProcessEntry(msgspec.Struct, frozen=True):
    """``create_time`` (seconds since the epoch, as psutil gives it) tells a process from a later one with its pid."""

    pid: int
    create_time: float
    log: str


class RunFile(msgspec.Struct, frozen=True):
    started_at: str
    bootstrap: str
    search_url: str
    flink_url: str
    watch: str | None
    processes: dict[str, ProcessEntry]
    job_metrics_url: str = ""
    """Prometheus text of the Flink job's Python side; the other processes' is at ``search_url``."""
    metrics: dict[str, str] = {}
    """host:port by component of all that serve ``/metrics``."""
    prometheus_url: str = ""
    """Empty where none was started."""
    connect_url: str = ""
    """Kafka Connect's REST interface; empty where nothing is captured."""


def read_run_file(state: Path) -> RunFile:
    """Raises UsageError when nothing runs on this state folder."""
    path = state / NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunFile)
    except FileNotFoundError:
        raise UsageError(
            "Freshet is not running", f"there is no {path}", "start it with `make run` or `freshet up`"
        ) from None
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path} cannot be read", str(error), "delete it and start again with `make run`") from error


def write_run_file(state: Path, run: RunFile) -> None:
    """Atomic: a reader sees the old file or the new one."""
    temporary = state / f".{NAME}.{os.getpid()}"
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2))
    temporary.replace(state / NAME)


def remove_run_file(state: Path) -> None:
    (state / NAME).unlink(missing_ok=True)
