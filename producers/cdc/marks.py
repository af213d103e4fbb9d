"""What a running system notes of its captures, beside the definitions: those may be read-only, as a Secret is."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from freshet.errors import UnavailableError

Stamp = tuple[tuple[str, int, int], ...]

LOCK_SECONDS: Final = 120.0
_POLL_S: Final = 0.1


class BeingChanged(UnavailableError):
    """Another process holds the lock of a capture."""


class Marks:
    """A small file for each capture: the number that is raised when all its rows have to be read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def resync(self, name: str) -> int:
        """0 without a mark."""
        try:
            return int(self._path(name).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0

    def ask_resync(self, name: str, above: int) -> int:
        """A higher number than ``above`` and than the one that is marked; atomic."""
        wanted = max(above + 1, self.resync(name) + 1, int(time.time()))
        self._write(name, wanted)
        return wanted

    def touch(self, name: str) -> None:
        """Let the producer forget what it knows of the documents."""
        self._write(name, self.resync(name))

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def stamp(self) -> Stamp:
        """Differs when something was marked, touched or removed."""
        return stamp_of(self._folder, "*.resync")

    @contextmanager
    def lock(self, name: str, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Held by whoever changes connector, slot and publication of a capture. Blocks; raises BeingChanged."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + seconds
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise BeingChanged(
                            f"the capture {name} is being changed", "by another command", "wait, then try again"
                        ) from None
                    time.sleep(_POLL_S)
            yield
        finally:
            os.close(handle)

    def _write(self, name: str, number: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{name}.{os.getpid()}"
        temporary.write_text(str(number), "ascii")
        temporary.replace(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.resync"


def stamp_of(folder: Path, pattern: str) -> Stamp:
    """Differs when a file of the folder was written, replaced or removed."""
    found = []
    for path in sorted(folder.glob(pattern)):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found.append((path.name, status.st_mtime_ns, status.st_ino))
    return tuple(found)
