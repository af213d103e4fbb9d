"""Programs of Flink that ask the cluster for something and end."""

from __future__ import annotations

from pathlib import Path

from freshet.stack.flink import FlinkHome
from freshet.stack.process import StackProcess


class FlinkClient(StackProcess):
    def __init__(self, name: str, home: FlinkHome, log: Path) -> None:
        super().__init__(name, log)
        self._home = home

    def ready(self) -> bool:
        """Whether it is done; raises ProcessFailed with its log if it failed."""
        if self.alive:
            return False
        if self._process is not None and self._process.returncode:
            self.check()
        return True
