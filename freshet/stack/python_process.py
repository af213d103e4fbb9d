"""A Freshet stage as its own Python process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from freshet.stack.process import MODEL_PROCESS, StackProcess


class PythonProcess(StackProcess):
    """``python -m module arguments``, with ``settings`` added to the environment."""

    def __init__(
        self,
        name: str,
        log: Path,
        module: str,
        arguments: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(name, log)
        self._module = module
        self._arguments = arguments
        self.settings = dict(settings or {})
        """Added to the environment at the next start."""
        self._ready = ready

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONUNBUFFERED": "1", **MODEL_PROCESS, **self.settings}

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", self._module, *self._arguments]

    def ready(self) -> bool:
        return self._ready()
