"""The processes of a local stack: whether they live, and what they and their children take."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from freshet import metrics
from freshet.cli.processes import process_state
from freshet.errors import UsageError
from freshet.stack.runfile import read_run_file


class StackProcesses:
    """By ``run.json``; what is in it and does not live is down."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._used: dict[tuple[str, int], float] = {}
        self._up = metrics.PROCESS_UP.gauge()
        self._memory = metrics.PROCESS_MEMORY.gauge()
        self._cpu = metrics.PROCESS_CPU.counter()
        self._start = metrics.PROCESS_START.gauge()

    def look(self) -> None:
        """Set the gauges. Before the stack is up there is nothing to look at."""
        try:
            processes = read_run_file(self._state).processes
        except UsageError:
            return
        for name, entry in processes.items():
            seen = process_state(name, entry)
            self._up.labels(name).set(seen.alive)
            if seen.alive and seen.memory_bytes is not None:
                self._memory.labels(name).set(seen.memory_bytes)
                self._start.labels(name).set(entry.create_time)
                self._count_cpu(name, entry.pid)

    def _count_cpu(self, name: str, pid: int) -> None:
        used = cpu_seconds(pid)
        before = self._used.get((name, pid), 0.0)
        self._used[name, pid] = used
        # Less where a child has ended.
        self._cpu.labels(name).inc(max(0.0, used - before))


def cpu_seconds(pid: int) -> float:
    """Of a process and all that it started, such as the store's engines."""
    used = 0.0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                times = one.cpu_times()
                used += times.user + times.system
    return used
