"""The processes of ``run.json`` as the operating system sees them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from freshet.stack.process import resident_bytes
from freshet.stack.runfile import ProcessEntry

SAME_SECONDS = 1.0
"""How far two readings of one process's start may differ; a pid is not used again so soon."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """``memory_bytes`` is resident, with what it has started; ``cpu_percent`` of one core, over its whole life."""

    name: str
    pid: int
    alive: bool
    log: str
    memory_bytes: int | None = None
    cpu_percent: float | None = None
    uptime_seconds: float | None = None


def process_state(name: str, entry: ProcessEntry) -> ProcessState:
    """Never raises; a zombie and a process that only has its pid count as dead."""
    try:
        process = psutil.Process(entry.pid)
        with process.oneshot():
            created = process.create_time()
            if abs(created - entry.create_time) > SAME_SECONDS or process.status() == psutil.STATUS_ZOMBIE:
                return ProcessState(name, entry.pid, False, entry.log)
            used = process.cpu_times()
            uptime = max(0.001, time.time() - created)
            percent = round(100 * (used.user + used.system) / uptime, 1)
            memory = resident_bytes(process)
            return ProcessState(name, entry.pid, True, entry.log, memory, percent, round(uptime, 1))
    except psutil.Error:
        return ProcessState(name, entry.pid, False, entry.log)
