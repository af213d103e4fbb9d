"""The folder of captures: one YAML file each, which only its owner may read."""

from __future__ import annotations

import os
from pathlib import Path

from freshet.errors import UsageError
from producers.cdc.capture import Capture, read_capture, to_yaml

Stamp = tuple[tuple[str, int, int], ...]


class Captures:
    """Safe for one writer and any number of readers: a file is replaced whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def read(self, name: str) -> Capture:
        """Raises UsageError where there is none of this name, or its file does not fit."""
        path = self._path(name)
        if not path.exists():
            known = ", ".join(self.names()) or "there are none"
            raise UsageError(f"there is no capture {name!r}", f"known: {known}", "see `freshet cdc list`")
        capture = read_capture(path)
        if capture.name != name:
            raise UsageError(f"{path} is of a capture {capture.name!r}", "", "name the file after its capture")
        return capture

    def all(self) -> list[Capture]:
        return [self.read(name) for name in self.names()]

    def write(self, capture: Capture) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(capture.name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(to_yaml(capture), "utf-8")
        temporary.replace(path)
        return path

    def touch(self, name: str) -> None:
        """Let the producer read it anew, and forget what it knows of its documents."""
        self._path(name).touch()

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def stamp(self) -> Stamp:
        """Differs when something was written, touched or removed."""
        found = []
        for path in sorted(self.folder.glob("*.yaml")):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.append((path.name, status.st_mtime_ns, status.st_ino))
        return tuple(found)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.yaml"
