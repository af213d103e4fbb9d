"""Every test of this folder runs on each store: embedded, the client's memory mode, and a server where one is given."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from freshet.store import StoreSettings, VectorStore
from freshet.store.edge import EdgeStore
from freshet.store.server import ServerStore
from tests.conformance.stores.material import INFO

SERVER_URL = os.environ.get("QDRANT_URL")


class Backend:
    """Opens stores on one collection, one after another: what one wrote the next finds."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        collection = f"conformance-{uuid.uuid4().hex[:8]}"
        self._settings = StoreSettings(
            url=SERVER_URL if name == "server" else None,
            collection=collection,
            path=folder / "store",
            index_in_background=False,
        )
        self._client = QdrantClient(":memory:") if name == "memory" else None
        self._opened: list[VectorStore] = []

    def make(self) -> VectorStore:
        """A store that is not yet open."""
        if self.name == "edge":
            store: VectorStore = EdgeStore(self._settings)
        else:
            store = ServerStore(self._settings, self._client)
        if self.name != "memory":
            self._opened.append(store)
        return store

    def open(self) -> VectorStore:
        store = self.make()
        store.open(INFO)
        return store

    def reopen(self, store: VectorStore) -> VectorStore:
        """Close it and open another. The memory mode forgets all when its client is closed, so there it stays open."""
        if self.name != "memory":
            store.close()
        return self.open()

    def end(self) -> None:
        for store in self._opened:
            store.close()
        if self._client is not None:
            self._client.close()
        if self.name == "server":
            client = QdrantClient(url=SERVER_URL)
            client.delete_collection(self._settings.collection)
            client.close()


@pytest.fixture(
    params=[
        "edge",
        "memory",
        pytest.param("server", marks=pytest.mark.skipif(SERVER_URL is None, reason="QDRANT_URL names no server")),
    ]
)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    made = Backend(request.param, tmp_path)
    yield made
    made.end()


@pytest.fixture
def store(backend: Backend) -> VectorStore:
    return backend.open()
