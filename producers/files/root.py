"""The watched folder itself. When it is not there, nothing in it may be taken for deleted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from freshet.errors import UnavailableError, UsageError

_REMEDY = "mount it or set FRESHET_FILES_ROOT; what is indexed stays as it is"


@dataclass(frozen=True, slots=True)
class Root:
    """``device`` and ``inode`` tell this folder from another that was mounted or made in its place."""

    path: Path
    device: int
    inode: int

    @classmethod
    def open(cls, path: Path) -> Root:
        """Raises UnavailableError where it is missing or unreadable, UsageError where it is no folder."""
        try:
            resolved = path.resolve(strict=True)
            status = resolved.stat()
            if resolved.is_dir():
                with os.scandir(resolved):
                    return cls(resolved, status.st_dev, status.st_ino)
        except OSError as error:
            raise UnavailableError(f"the watched folder {path} cannot be read", str(error), _REMEDY) from error
        raise UsageError(f"the watched folder {path} is no folder", "", "set FRESHET_FILES_ROOT to a folder")

    @property
    def identity(self) -> str:
        return f"{self.device}:{self.inode}"

    def require(self) -> None:
        """Raise UnavailableError unless this very folder is still at its path."""
        found = Root.open(self.path)
        if found.identity != self.identity:
            raise UnavailableError(f"the watched folder {self.path} was replaced or unmounted", "", _REMEDY)

    def is_empty(self) -> bool:
        with os.scandir(self.path) as entries:
            return next(entries, None) is None
