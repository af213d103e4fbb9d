"""How far first reads have come, on disk: a restart goes on where it ended."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import msgspec

from producers.cdc.capture import Capture, CapturedTable


class TableProgress(msgspec.Struct):
    """``baseline`` is the position from which the rows are read, ``after`` the key of the last published one."""

    fingerprint: str
    baseline: int = 0
    after: tuple[str, ...] | None = None
    rows: int = 0
    done: bool = False


class Progress:
    """Thread-safe. One file for all captures."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "progress.json"
        self._lock = threading.Lock()
        try:
            raw = self._path.read_bytes()
            self._tables = msgspec.json.decode(raw, type=dict[str, TableProgress])
        except (FileNotFoundError, msgspec.MsgspecError):
            # Without it every table is read again, which changes nothing that is there.
            self._tables = {}

    def of(self, capture: Capture, table: CapturedTable) -> TableProgress:
        """A new one where the definition differs from the one that was read by."""
        wanted = fingerprint(capture, table)
        with self._lock:
            found = self._tables.get(_name(capture, table))
        return found if found is not None and found.fingerprint == wanted else TableProgress(wanted)

    def write(self, capture: Capture, table: CapturedTable, progress: TableProgress) -> None:
        """Atomic."""
        with self._lock:
            self._tables[_name(capture, table)] = progress
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(self._tables), indent=2))
            temporary.replace(self._path)


def fingerprint(capture: Capture, table: CapturedTable) -> str:
    """Of all that makes a document of a row."""
    made_of = (table.table, table.key, table.text, table.metadata, table.tenant, capture.epoch, capture.resync)
    return hashlib.blake2b(repr(made_of).encode(), digest_size=8).hexdigest()


def _name(capture: Capture, table: CapturedTable) -> str:
    return f"{capture.name}/{table.table}"
