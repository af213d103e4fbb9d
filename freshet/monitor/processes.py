"""The processes of a local stack: whether they live, and what they and their children take."""

from __future__ import annotations

from pathlib import Path

import psutil

from freshet import metrics
from freshet.errors import UsageError
from freshet.stack.runfile import ProcessEntry, read_run_file

SAME_SECONDS = 1.0
"""How far two readings of one process's start may differ; a pid is not used again so soon."""


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
            self._up.labels(name).set(self._measure(name, entry))

    def _measure(self, name: str, entry: ProcessEntry) -> bool:
        try:
            process = psutil.Process(entry.pid)
            with process.oneshot():
                created = process.create_time()
                if abs(created - entry.create_time) > SAME_SECONDS or process.status() == psutil.STATUS_ZOMBIE:
                    return False
            used, resident = _tree(process)
            before = self._used.get((name, entry.pid), 0.0)
            self._used[name, entry.pid] = used
            self._memory.labels(name).set(resident)
            self._cpu.labels(name).inc(max(0.0, used - before))
            self._start.labels(name).set(created)
            return True
        except psutil.Error:
            return False


def _tree(process: psutil.Process) -> tuple[float, int]:
    """Processor seconds and resident bytes of a process and all that it started, such as the store's shards."""
    used, resident = 0.0, 0
    for one in (process, *process.children(recursive=True)):
        try:
            with one.oneshot():
                times = one.cpu_times()
                used += times.user + times.system
                resident += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return used, resident
