"""A store that can be made slow, or to refuse, as a server would be: also the embedded one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from freshet.errors import UnavailableError
from freshet.store import ChunkPoint, CollectionInfo, Filter, Head, Hit, StoreStats, VectorStore
from freshet.store.protocol import Vector


class HinderedStore:
    """A VectorStore that passes every call on to ``store``, or hinders it first."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self._delay = 0.0
        self._refuses = False

    @contextmanager
    def slowed(self, seconds: float) -> Iterator[None]:
        """For the length of the block each call takes so much longer."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """For the length of the block each call raises UnavailableError."""
        self._refuses = True
        try:
            yield
        finally:
            self._refuses = False

    def _hinder(self) -> None:
        time.sleep(self._delay)
        if self._refuses:
            raise UnavailableError("the store does not answer", "it is made not to")

    @property
    def durability_lag_s(self) -> float:
        return self._store.durability_lag_s

    def open(self, expected: CollectionInfo) -> None:
        self._store.open(expected)

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        self._hinder()
        return self._store.heads(document_ids)

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        self._hinder()
        self._store.write(chunks, heads, sweep)

    def flush(self) -> None:
        self._hinder()
        self._store.flush()

    def search(self, vector: Vector, k: int, where: Filter | None = None) -> list[Hit]:
        self._hinder()
        return self._store.search(vector, k, where)

    def document(self, document_id: str) -> tuple[Head, list[ChunkPoint]] | None:
        self._hinder()
        return self._store.document(document_id)

    def scan(self, after: str | None, limit: int) -> list[Head]:
        self._hinder()
        return self._store.scan(after, limit)

    def stats(self) -> StoreStats:
        return self._store.stats()

    def close(self) -> None:
        self._store.close()
