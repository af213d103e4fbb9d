"""The shape of the job that ran last in a state folder: a checkpoint fits one shape alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

_SHAPING = {"FRESHET_JOB_EMBEDDING": "in-process", "FRESHET_JOB_CONTEXT_MESSAGES": "0"}
"""Settings that decide the operators of the job, with their defaults."""


class JobShape:
    """Kept beside the checkpoints.

    Restored into another shape, a checkpoint would lose the records that were on their way to the inference server:
    they are in no topic any more, only in it.
    """

    def __init__(self, checkpoints: Path, settings: Mapping[str, str]) -> None:
        """``settings`` of the job to come, over the environment."""
        self._checkpoints = checkpoints
        self._file = checkpoints.with_name("shape")
        self._now = " ".join(f"{n}={settings.get(n) or os.environ.get(n) or d}" for n, d in _SHAPING.items())

    def changed(self) -> bool:
        """Whether another one ran here last."""
        return self._file.exists() and self._file.read_text() != self._now

    def forget(self) -> None:
        """Drop the checkpoints; the job has then to read ``documents`` from its beginning."""
        shutil.rmtree(self._checkpoints, ignore_errors=True)

    def keep(self) -> None:
        """Note that this one runs now."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self._now)
