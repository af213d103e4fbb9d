"""Vectors by content, so that a text is embedded once: on disk, beside the path of the events, never in their way."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from freshet.embedding.cached import CachedEmbedder
from freshet.embedding.vector_table import Vector, VectorTable

__all__ = ["CachedEmbedder", "VectorCache"]

_log = logging.getLogger(__name__)
_MAX_PENDING = 4096
_WRITE_AT = 256
_GATHER_SECONDS = 0.25


class VectorCache:
    """Content-addressed vectors of one model at one revision, in one SQLite file that all revisions may share.

    Safe to call from several threads, and from several processes on one file. Nothing in it raises: a file that is
    corrupt, read-only or on a full disk is given up with one warning, and every text is a miss from then on. What was
    put may be lost when the process dies; what comes back was checked and is what was put.

    Pickles as its arguments.
    """

    def __init__(self, path: Path | str, model: str, revision: str, dimension: int, max_bytes: int = 1 << 30) -> None:
        """``max_bytes`` bounds the file; the oldest vectors go first. The file is opened on first use."""
        self._arguments = (path, model, revision, dimension, max_bytes)
        self._path = Path(path)
        self._space = hashlib.sha256(f"{model}\0{revision}\0{dimension}".encode()).digest()
        self._dimension = dimension
        self._max_bytes = max_bytes
        self._broken = False
        self._closed = False
        self._hurry = False
        self._table: VectorTable | None = None
        self._reading = threading.Lock()
        self._pending: dict[bytes, Vector] = {}
        self._changed = threading.Condition()
        self._writer: threading.Thread | None = None

    def __reduce__(self) -> tuple[type[VectorCache], tuple[Path | str, str, str, int, int]]:
        return VectorCache, self._arguments

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Those of the keys (``content_hash`` of a text) that are cached: float32 (dimension,), read-only."""
        with self._changed:
            found = {key: self._pending[key] for key in keys if key in self._pending}
        missing = [key for key in keys if key not in found]
        if not missing or self._broken or self._closed:
            return found
        try:
            with self._reading:
                if self._table is None:
                    self._table = self._open()
                return found | self._table.get(missing)
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return found

    def put_many(self, vectors: Mapping[bytes, Vector]) -> None:
        """Keep these; returns at once, a thread writes them. Under more load than the disk takes, some are dropped."""
        with self._changed:
            if self._broken or self._closed or len(self._pending) >= _MAX_PENDING:
                return
            waking = not self._pending
            for key, vector in vectors.items():
                self._pending[key] = vector.copy()
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="vector-cache", daemon=True)
                self._writer.start()
            if waking or len(self._pending) >= _WRITE_AT:
                self._changed.notify_all()

    def flush(self, timeout: float = 10.0) -> None:
        """Blocks until what was put is written, or given up, at most ``timeout`` seconds."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._pending or self._broken, timeout)
            self._hurry = False

    def close(self) -> None:
        """Write what is pending and close the file; afterwards every text is a miss. May be called twice."""
        self.flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._writer is not None:
            self._writer.join(10.0)
        with self._reading:
            if self._table is not None:
                self._table.close()
                self._table = None

    def _open(self) -> VectorTable:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return VectorTable(self._path, self._space, self._dimension, self._max_bytes)

    def _write(self) -> None:
        table: VectorTable | None = None
        try:
            while not self._broken:
                with self._changed:
                    self._changed.wait_for(lambda: self._pending or self._closed or self._broken)
                    # Many in one transaction: each turn of this thread takes the GIL from the one that embeds.
                    self._changed.wait_for(self._due, _GATHER_SECONDS)
                    batch = dict(self._pending)
                if not batch:
                    break
                table = table or self._open()
                _put(table, batch)
                with self._changed:
                    for key in batch:
                        self._pending.pop(key, None)
                    self._changed.notify_all()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
        finally:
            if table is not None:
                table.close()

    def _due(self) -> bool:
        return self._hurry or self._closed or self._broken or len(self._pending) >= _WRITE_AT

    def _give_up(self, error: Exception) -> None:
        with self._changed:
            if not self._broken:
                what = "going on without the vector cache %s: %s; delete the file or free the disk"
                _log.warning(what, self._path, error)
            self._broken = True
            self._pending.clear()
            self._changed.notify_all()


def _put(table: VectorTable, batch: Mapping[bytes, Vector]) -> None:
    try:
        table.put(batch)
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        # Another process writes at length: these vectors are not kept, the next ones may be.
