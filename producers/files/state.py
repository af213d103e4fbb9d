"""What was published of each file, in SQLite, so that a crash at any point sends again rather than loses."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from filelock import FileLock, Timeout

from freshet.errors import UsageError
from producers.files.stamp import Stamp

Standing = Literal["published", "deleted", "refused"]
"""What the newest version of a file's id says: its text, its absence, or that its content is refused."""

MAX_VERSION: Final = 2**63 - 1
_BATCH: Final = 1000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS file (
    path BLOB PRIMARY KEY,
    assigned INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT -1,
    standing TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    content BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class FileState:
    """The last change sent for a path. ``content`` is the hash of the bytes that were published."""

    assigned: int
    acknowledged: int
    standing: Standing
    reason: str
    content: bytes
    stamp: Stamp

    @property
    def settled(self) -> bool:
        """Whether the broker has the newest version."""
        return self.acknowledged >= self.assigned


class FileStates:
    """One writer per folder, which ``FileLock`` ensures; safe to share between threads of that process.

    Each change is committed before the call returns. A commit survives a crash of the process; after a power loss the
    last ones may be missing, and the next scan finds those files changed.
    """

    def __init__(self, folder: Path) -> None:
        """Raises UsageError where another process holds the folder, or nothing can be kept there."""
        self._lock_file = FileLock(folder / "files.lock")
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock_file.acquire(timeout=0)
            self._database = _open(folder / "files.sqlite")
        except Timeout as error:
            raise UsageError(
                f"another file producer uses {folder}", "", "stop it or set FRESHET_FILES_STATE"
            ) from error
        except (OSError, sqlite3.Error) as error:
            self._lock_file.release()
            raise UsageError(
                f"cannot keep the files' state in {folder}",
                str(error),
                "make it writable, or set FRESHET_FILES_STATE to a new folder: every file is then published again",
            ) from error

    def get(self, path: str) -> FileState | None:
        with self._lock:
            row = self._database.execute(
                "SELECT assigned, acknowledged, standing, reason, content, size, mtime_ns, inode"
                " FROM file WHERE path = ?",
                (os.fsencode(path),),
            ).fetchone()
        if row is None:
            return None
        assigned, acknowledged, standing, reason, content, size, mtime_ns, inode = row
        return FileState(assigned, acknowledged, standing, reason, content, Stamp(size, mtime_ns, inode))

    def assign(
        self, path: str, stamp: Stamp | None, standing: Standing, *, reason: str = "", content: bytes = b""
    ) -> int:
        """Give the path's next change its version: past the last one, and past mtime in ns where there is a file.

        A deletion and a file that reappears with an older mtime therefore go up as well.
        """
        size, mtime_ns, inode = (stamp.size, stamp.mtime_ns, stamp.inode) if stamp else (0, 0, 0)
        floor = min(max(mtime_ns, 0), MAX_VERSION - 2**32)
        with self._lock:
            (version,) = self._database.execute(
                "INSERT INTO file (path, assigned, standing, reason, size, mtime_ns, inode, content)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (path) DO UPDATE SET"
                " assigned = max(assigned + 1, ?2), standing = ?3, reason = ?4, size = ?5, mtime_ns = ?6, inode = ?7,"
                " content = ?8 RETURNING assigned",
                (os.fsencode(path), floor, standing, reason, size, mtime_ns, inode, content),
            ).fetchone()
        return int(version)

    def acknowledge(self, path: str, version: int) -> None:
        """The broker has this version."""
        with self._lock:
            self._database.execute(
                "UPDATE file SET acknowledged = max(acknowledged, ?) WHERE path = ?", (version, os.fsencode(path))
            )

    def forget_acknowledged(self) -> None:
        """Take nothing for published: the next scan sends every file and every deletion again, in a higher version."""
        with self._lock:
            self._database.execute("UPDATE file SET acknowledged = -1")

    def touch(self, path: str, stamp: Stamp, *, reason: str = "") -> None:
        """Note another stamp (and why it cannot be read, if so) of the content that is published already."""
        with self._lock:
            self._database.execute(
                "UPDATE file SET size = ?, mtime_ns = ?, inode = ?, reason = ? WHERE path = ?",
                (stamp.size, stamp.mtime_ns, stamp.inode, reason, os.fsencode(path)),
            )

    def present(self, folder: str = "") -> Iterator[str]:
        """Paths, below a folder if given, that are not known to be deleted, or whose deletion is unacknowledged."""
        last = os.fsencode(folder) + b"/" if folder else b""
        end = last[:-1] + b"0" if folder else None  # the byte after the slash
        while True:
            with self._lock:
                rows = self._database.execute(
                    "SELECT path FROM file WHERE path > ?1 AND (?2 IS NULL OR path < ?2)"
                    " AND (standing != 'deleted' OR acknowledged < assigned) ORDER BY path LIMIT ?3",
                    (last, end, _BATCH),
                ).fetchall()
            yield from (os.fsdecode(path) for (path,) in rows)
            if len(rows) < _BATCH:
                return
            last = rows[-1][0]

    def fact(self, name: str) -> str | None:
        with self._lock:
            row = self._database.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def close(self) -> None:
        with self._lock:
            self._database.close()
        self._lock_file.release()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.executescript(_SCHEMA)
    return database
