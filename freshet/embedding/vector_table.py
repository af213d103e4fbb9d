"""Vectors in one SQLite file. Raises sqlite3.Error as SQLite does; what that means is for the cache to say."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

_SEAL_BYTES = 8
_BUSY_SECONDS = 2.0
_KEYS_A_QUERY = 500
_PAGE_BYTES = 16_384  # some ten vectors; in SQLite's 4 kB a quarter of each page would be lost
_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (age INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL)"


class VectorTable:
    """One connection; not for several threads at once. Several processes may have the same file open."""

    def __init__(self, path: Path, space: bytes, dimension: int, max_bytes: int) -> None:
        """Opens or makes the file. ``space`` names what made the vectors: nothing is found in another one's."""
        self._space = space
        self._length = 4 * dimension
        self._max_bytes = max_bytes
        self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            self._connection.execute("PRAGMA journal_mode = WAL")
            # A power cut may lose or damage the cache: that costs work, and the seals tell.
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute(f"PRAGMA journal_size_limit = {4 << 20}")
            self._connection.execute(_SCHEMA)
        except BaseException:
            self._connection.close()
            raise

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """The vectors that are there and whole, float32 (dimension,), read-only."""
        names = {self._name(key): key for key in keys}
        wanted = list(names)
        found: dict[bytes, Vector] = {}
        for start in range(0, len(wanted), _KEYS_A_QUERY):
            some = wanted[start : start + _KEYS_A_QUERY]
            marks = ",".join("?" * len(some))
            for name, sealed in self._connection.execute(
                f"SELECT key, sealed FROM vectors WHERE key IN ({marks})", some
            ):
                vector = self._opened(name, sealed)
                if vector is not None:
                    found[names[name]] = vector
        return found

    def put(self, vectors: Mapping[bytes, Vector]) -> None:
        """Add or replace, in one transaction; then drop the oldest while the file holds more than its bound."""
        rows = [(name, self._sealed(name, vector)) for key, vector in vectors.items() for name in [self._name(key)]]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany("INSERT OR REPLACE INTO vectors (key, sealed) VALUES (?, ?)", rows)
            self._drop_oldest()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._connection.close()

    def _drop_oldest(self) -> None:
        used = (self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")) * _PAGE_BYTES
        if used <= self._max_bytes:
            return
        count = self._number("SELECT COUNT(*) FROM vectors")
        # A tenth more than needed, so that not every write has to do it.
        surplus = min(count, int(count * (1 - 0.9 * self._max_bytes / used)) + 1)
        query = "DELETE FROM vectors WHERE age IN (SELECT age FROM vectors ORDER BY age LIMIT ?)"
        self._connection.execute(query, (surplus,))

    def _number(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])

    def _name(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, digest_size=16, key=self._space).digest()

    def _sealed(self, name: bytes, vector: Vector) -> bytes:
        raw = np.ascontiguousarray(vector, dtype="<f4").tobytes()
        return raw + _seal(name, raw)

    def _opened(self, name: bytes, sealed: object) -> Vector | None:
        if not isinstance(sealed, bytes) or len(sealed) != self._length + _SEAL_BYTES:
            return None
        raw = sealed[: self._length]
        if _seal(name, raw) != sealed[self._length :]:
            return None
        return np.frombuffer(raw, dtype="<f4")


def _seal(name: bytes, raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=_SEAL_BYTES, key=name).digest()
