"""How far first reads have come, on disk: a restart goes on where it ended."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
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
        self._named: frozenset[str] | None = None
        self._spared: tuple[str, ...] = ()
        try:
            raw = self._path.read_bytes()
            self._tables = msgspec.json.decode(raw, type=dict[str, TableProgress])
        except (FileNotFoundError, msgspec.MsgspecError):
            # Without it every table is read again, which changes nothing that is there.
            self._tables = {}

    def of(self, capture: Capture, table: CapturedTable) -> TableProgress:
        """Begun anew where the definition differs from the one that was read by."""
        wanted, name = fingerprint(capture, table), _name(capture, table)
        with self._lock:
            found = self._tables.get(name)
            if found is None or found.fingerprint != wanted:
                found = TableProgress(wanted)
                if self._is_kept(name):
                    self._tables[name] = found
            return found

    def write(self, capture: Capture, table: CapturedTable, progress: TableProgress) -> None:
        """Atomic. What was forgotten since ``of`` gave it is not written: its changes were not captured meanwhile."""
        with self._lock:
            if self._tables.get(_name(capture, table)) is progress:
                self._save()

    def keep(self, captures: Iterable[Capture], others: Iterable[str] = ()) -> None:
        """Forget every table that no capture names: when it comes back, its rows are read again. ``others`` are names
        of captures whose tables are not known at present.
        """
        with self._lock:
            self._named = frozenset(_name(capture, table) for capture in captures for table in capture.tables)
            self._spared = tuple(f"{name}/" for name in others)
            gone = [name for name in self._tables if not self._is_kept(name)]
            for name in gone:
                del self._tables[name]
            if gone:
                self._save()

    def _is_kept(self, name: str) -> bool:
        return self._named is None or name in self._named or name.startswith(self._spared)

    def _save(self) -> None:
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
