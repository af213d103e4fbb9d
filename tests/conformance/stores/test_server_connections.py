"""What only a store behind a network can meet."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
from qdrant_client import QdrantClient

from freshet.errors import UnavailableError
from freshet.stack.process import wait_until
from freshet.store import StoreSettings
from freshet.store.server import ServerStore
from tests.conformance.stores.material import INFO
from tests.faults.harness.forgetful_proxy import ForgetfulProxy

RECOVERY_SECONDS = 20.0
AWAY_SECONDS = 17.0
"""By then gRPC's own pauses between two tries have grown to 10 s; they go on to two minutes."""
RETURN_SECONDS = 5.0


@pytest.fixture
def collection(server: StoreSettings) -> Iterator[str]:
    """A name that no other test has; deleted at the end."""
    name = f"connections-{uuid.uuid4().hex[:8]}"
    yield name
    client = QdrantClient(url=server.url, check_compatibility=False)
    client.delete_collection(name)
    client.close()


def test_a_connection_that_was_forgotten_on_the_way_is_replaced(server: StoreSettings, collection: str) -> None:
    assert server.grpc_port is not None
    proxy = ForgetfulProxy(server.grpc_port)
    store = ServerStore(StoreSettings(url=server.url, grpc_port=proxy.port, collection=collection))
    store.open(INFO)
    assert store.heads(["a"]) == {}
    proxy.forget()
    wait_until(lambda: _answers(store), "the store is asked on a new connection", RECOVERY_SECONDS)
    assert proxy.forgotten
    store.close()
    proxy.close()


def test_a_server_that_was_away_is_found_again_within_seconds(server: StoreSettings, collection: str) -> None:
    assert server.grpc_port is not None
    proxy = ForgetfulProxy(server.grpc_port)
    store = ServerStore(StoreSettings(url=server.url, grpc_port=proxy.port, collection=collection))
    store.open(INFO)
    proxy.close()
    back_at = time.monotonic() + AWAY_SECONDS
    wait_until(lambda: not _answers(store) and time.monotonic() > back_at, "it was away for long", AWAY_SECONDS + 10)
    proxy = ForgetfulProxy(server.grpc_port, proxy.port)
    wait_until(lambda: _answers(store), "the store is asked again", RETURN_SECONDS)
    store.close()
    proxy.close()


def _answers(store: ServerStore) -> bool:
    try:
        return store.heads(["a"]) == {}
    except UnavailableError:
        return False
