"""Every test of this folder runs on each store: embedded, the client's memory mode, and a server where one is given.

QDRANT_BIN names a server's program, which is started here, or QDRANT_URL one that runs.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from freshet.stack.qdrant import QdrantServer, qdrant_binary
from freshet.store import StoreSettings, VectorStore
from freshet.store.edge import EdgeStore
from freshet.store.server import ServerStore
from tests.conformance.stores.material import INFO
from tests.faults.simulation.store import SimulatedStore

SERVERS = ("server", "server-http")
"""Spoken to through gRPC, and through HTTP."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    """How to reach the server. Skips where there is none."""
    if url := os.environ.get("QDRANT_URL"):
        yield StoreSettings(url=url)
        return
    if (binary := qdrant_binary()) is None:
        pytest.skip("neither QDRANT_BIN nor QDRANT_URL names a Qdrant server")
    folder = tmp_path_factory.mktemp("qdrant")
    started = QdrantServer(binary, folder, folder / "qdrant.log")
    started.start()
    started.wait_ready()
    yield StoreSettings(url=started.url, grpc_port=started.grpc_port)
    started.stop()


class Backend:
    """Opens stores on one collection, one after another: what one wrote the next finds."""

    def __init__(self, name: str, folder: Path, server: StoreSettings | None) -> None:
        self.name = name
        self._settings = StoreSettings(
            url=server.url if server else None,
            grpc_port=server.grpc_port if server and name != "server-http" else None,
            collection=f"conformance-{uuid.uuid4().hex[:8]}",
            path=folder / "store",
            index_in_background=False,
        )
        self._client = QdrantClient(":memory:") if name == "memory" else None
        self._simulated = SimulatedStore() if name == "simulated" else None
        self._opened: list[VectorStore] = []

    def make(self) -> VectorStore:
        """A store that is not yet open."""
        if self.name == "edge":
            store: VectorStore = EdgeStore(self._settings)
        elif self._simulated is not None:
            store = self._simulated
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
        if self.name in SERVERS:
            client = QdrantClient(url=self._settings.url, check_compatibility=False)
            client.delete_collection(self._settings.collection)
            client.close()


@pytest.fixture(params=["edge", "memory", "simulated", *SERVERS])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    settings = request.getfixturevalue("server") if request.param in SERVERS else None
    made = Backend(request.param, tmp_path, settings)
    yield made
    made.end()


@pytest.fixture
def store(backend: Backend) -> VectorStore:
    return backend.open()
