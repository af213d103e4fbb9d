"""What a peer keeps of its snapshots, on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from qdrant_client import QdrantClient

from freshet.store import StoreSettings
from freshet.store.server import ServerStore
from freshet.store.snapshots import snapshot
from tests.conformance.stores.material import INFO


@pytest.fixture
def collection(server: StoreSettings) -> Iterator[StoreSettings]:
    settings = server.model_copy(update={"collection": f"snapshots-{uuid.uuid4().hex[:8]}"})
    store = ServerStore(settings)
    store.open(INFO)
    yield settings
    store.close()
    client = QdrantClient(url=settings.url, check_compatibility=False)
    client.delete_collection(settings.collection)
    client.close()


def test_the_newest_stay(collection: StoreSettings) -> None:
    made = [name for _ in range(3) for _, name in snapshot(collection, (), keep=2)]
    client = QdrantClient(url=collection.url, check_compatibility=False)
    kept = {one.name for one in client.list_snapshots(collection.collection)}
    client.close()
    assert made[-1] in kept
    assert len(kept) == 2
