"""A process takes with it what it had started, also when it is killed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from freshet.stack.process import StackProcess, wait_until


class Parent(StackProcess):
    """A shell with one child, whose id it writes down."""

    def __init__(self, folder: Path) -> None:
        super().__init__("parent", folder / "log")
        self.child = folder / "child"

    def command(self) -> Sequence[str]:
        return ["sh", "-c", f"sleep 100 & echo $! > {self.child}; wait"]

    def ready(self) -> bool:
        return self.child.exists() and self.child.read_text().endswith("\n")


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_children_of_an_ended_process_end(tmp_path: Path, end: str) -> None:
    parent = Parent(tmp_path)
    parent.start()
    parent.wait_ready(10)
    child = psutil.Process(int(parent.child.read_text()))
    getattr(parent, end)()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child has ended", 10)
