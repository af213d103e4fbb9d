"""The store's folder: one owner, a layout that never changes, and generations of each partition.

layout.json          format and number of partitions
owner.lock           locked while a process has the store open; holds its pid
heads/               one shard
chunks-0/CURRENT     names the good generation
chunks-0/gen-3/      one shard
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from freshet.errors import UsageError
from freshet.store.edge.durable import replace_file
from freshet.store.edge.failures import damaged, engine_errors

_FORMAT = 1
_GENERATION = re.compile(r"gen-(\d+)")


class Ownership:
    """The lock on a folder. The operating system drops it when the process dies, however it dies."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = FileLock(root / "owner.lock", thread_local=False)
        self._pid = root / "owner.pid"

    def take(self) -> None:
        """Raises UsageError when another process (or another store of this one) owns the folder."""
        with engine_errors(f"cannot use the store folder {self._root}"):
            self._root.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=0)
            except Timeout as error:
                owner = self._pid.read_text() if self._pid.exists() else "unknown"
                raise UsageError(
                    f"the store in {self._root} is already open",
                    f"process {owner} owns it",
                    "stop that process, search through its API, or set FRESHET_STORE_URL to a Qdrant server",
                ) from error
            self._pid.write_text(str(os.getpid()))

    def release(self) -> None:
        if self._lock.is_locked:
            self._pid.unlink(missing_ok=True)
            self._lock.release()


def read_layout(root: Path) -> int | None:
    """The number of partitions, or None where no store was ever finished here."""
    file = root / "layout.json"
    if not file.exists():
        return None
    try:
        layout = json.loads(file.read_text())
        form, partitions = int(layout["format"]), int(layout["partitions"])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(root, f"layout.json is unreadable: {error}") from error
    if form != _FORMAT:
        raise UsageError(f"the store in {root} has format {form}", f"this version reads {_FORMAT}", "use the other one")
    return partitions


def write_layout(root: Path, partitions: int) -> None:
    replace_file(root / "layout.json", json.dumps({"format": _FORMAT, "partitions": partitions}))


class Generations:
    """The successive folders of one partition, of which CURRENT names the good one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pointer = root / "CURRENT"

    def current(self) -> Path:
        if not self._pointer.exists():
            raise damaged(self.root, "CURRENT is missing")
        name = self._pointer.read_text().strip()
        if not _GENERATION.fullmatch(name) or not (self.root / name).is_dir():
            raise damaged(self.root, f"CURRENT names {name!r}, which is not there")
        return self.root / name

    @property
    def chosen(self) -> bool:
        """False while the first one is being made."""
        return self._pointer.exists()

    def next(self) -> Path:
        """A name no generation had."""
        numbers = [int(match[1]) for entry in self.root.glob("gen-*") if (match := _GENERATION.match(entry.name))]
        return self.root / f"gen-{max(numbers, default=0) + 1}"

    def choose(self, generation: Path) -> None:
        """Make it the good one, durably. Blocks for a sync of one small file and its folder."""
        replace_file(self._pointer, generation.name)

    def sweep(self) -> None:
        """Remove what a crash or a swap left behind."""
        keep = self.current()
        for entry in self.root.glob("gen-*"):
            if entry != keep:
                shutil.rmtree(entry, ignore_errors=True)


def disk_bytes(root: Path) -> int:
    """What the files take on disk, which is less than their size: they are sparse."""
    total = 0
    for folder, _, files in os.walk(root):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                continue  # the engine or a swap removed it meanwhile
    return total
