"""The folder of captures: one YAML file each, which only its owner may read."""

from __future__ import annotations

import os
from pathlib import Path

from freshet.errors import UsageError
from producers.cdc.capture import Capture, read_capture, to_yaml
from producers.cdc.marks import Marks, Stamp, stamp_of


class Captures:
    """Safe for one writer and any number of readers: a file is replaced whole. The folder may be read-only; what has
    to be noted of a capture lies in ``marks``, in the producer's folder of state.
    """

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        """``state`` is FRESHET_CDC_STATE; else the folder above."""
        self.folder = folder
        self.state = folder.parent if state is None else state
        self.marks = Marks(self.state / "marks")

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def read(self, name: str) -> Capture:
        """With the mark that asks to read its rows again. Raises UsageError where there is none of this name, or its
        file does not fit.
        """
        path = self._path(name)
        if not path.exists():
            known = ", ".join(self.names()) or "there are none"
            raise UsageError(f"there is no capture {name!r}", f"known: {known}", "see `freshet cdc list`")
        capture = read_capture(path)
        if capture.name != name:
            raise UsageError(f"{path} is of a capture {capture.name!r}", "", "name the file after its capture")
        return capture.model_copy(update={"resync": max(capture.resync, self.marks.resync(name))})

    def known(self, name: str) -> Capture | None:
        """The same, or None where there is none."""
        return self.read(name) if name in self.names() else None

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
        self.marks.touch(name)

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)
        self.marks.remove(name)

    def stamp(self) -> Stamp:
        """Differs when something was written, marked, touched or removed."""
        return (*stamp_of(self.folder, "*.yaml"), *self.marks.stamp())

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.yaml"
