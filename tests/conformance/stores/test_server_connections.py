"""What only a store behind a network can meet."""

from __future__ import annotations

from freshet.errors import UnavailableError
from freshet.stack.process import wait_until
from freshet.store import StoreSettings
from freshet.store.server import ServerStore
from tests.conformance.stores.material import INFO
from tests.faults.harness.forgetful_proxy import ForgetfulProxy

RECOVERY_SECONDS = 20.0


def test_a_connection_that_was_forgotten_on_the_way_is_replaced(server: StoreSettings) -> None:
    assert server.grpc_port is not None
    proxy = ForgetfulProxy(server.grpc_port)
    store = ServerStore(StoreSettings(url=server.url, grpc_port=proxy.port, collection="forgotten"))
    store.open(INFO)
    assert store.heads(["a"]) == {}
    proxy.forget()

    def answers() -> bool:
        try:
            return store.heads(["a"]) == {}
        except UnavailableError:
            return False

    wait_until(answers, "the store is asked on a new connection", RECOVERY_SECONDS)
    assert proxy.forgotten
    store.close()
    proxy.close()
