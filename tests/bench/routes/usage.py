"""What the processes of a route use: processor time and memory."""

from __future__ import annotations

import psutil

from freshet.stack.local import LocalStack
from tests.bench.routes.route import python_workers

Usage = dict[str, float]
"""By process: seconds of processor time, or MB."""


def processor_seconds(stack: LocalStack) -> Usage:
    """Since each process began."""
    return {name: sum(sum(one.cpu_times()[:2]) for one in group) for name, group in _groups(stack).items()}


def resident_mb(stack: LocalStack) -> Usage:
    return {name: sum(one.memory_info().rss for one in group) / 2**20 for name, group in _groups(stack).items()}


def _groups(stack: LocalStack) -> dict[str, list[psutil.Process]]:
    groups = {
        "TaskManager": [psutil.Process(stack.taskmanager.pid)],
        "Python worker": python_workers(stack),
        "inference server": [psutil.Process(stack.inference.pid)] if stack.inference else [],
        "broker": [psutil.Process(stack.broker.pid)],
        "consumer and search": [psutil.Process(stack.serve.pid)],
    }
    return {name: group for name, group in groups.items() if group}
