"""What the monitor says of the processes that run.json names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
from prometheus_client import REGISTRY

from freshet.monitor.processes import StackProcesses
from freshet.stack.runfile import ProcessEntry, RunFile, write_run_file


def value(name: str, process: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"process": process})


def test_a_living_process_is_measured_and_a_dead_one_is_down(tmp_path: Path) -> None:
    processes = StackProcesses(tmp_path)
    processes.look()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    created = psutil.Process(ended.pid).create_time()
    ended.wait()
    me = psutil.Process()
    entries = {
        "this": ProcessEntry(os.getpid(), me.create_time(), "log"),
        "ended": ProcessEntry(ended.pid, created, "log"),
        # its pid belongs to another process by now
        "replaced": ProcessEntry(os.getpid(), me.create_time() - 100, "log"),
    }
    write_run_file(tmp_path, RunFile("", "", "", "", None, entries))
    processes.look()
    assert value("freshet_process_up", "this") == 1
    assert (value("freshet_process_memory_bytes", "this") or 0) > 10e6
    assert (value("freshet_process_cpu_seconds_total", "this") or 0) > 0
    assert value("freshet_process_start_time_seconds", "this") == me.create_time()
    assert value("freshet_process_up", "ended") == value("freshet_process_up", "replaced") == 0
    assert value("freshet_process_memory_bytes", "ended") is None
