"""A TCP proxy between a stack and its Qdrant server, so that what lies between them can break too."""

from __future__ import annotations

from pathlib import Path

from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.toxiproxy import Proxy, Toxiproxy
from tests.faults.harness.lab import start_stack


class StoreFront:
    """Of one stack at a time. Its processes speak gRPC to the proxy; the start's one question by HTTP goes past it."""

    def __init__(self, toxiproxy: Toxiproxy) -> None:
        self._toxiproxy = toxiproxy
        self._port = free_port()
        self._proxy: Proxy | None = None

    @property
    def proxy(self) -> Proxy:
        assert self._proxy is not None, "no stack was started behind it"
        return self._proxy

    def start(self, state: Path) -> LocalStack:
        """A stack with a Qdrant server of its own behind the proxy. Blocks until changes flow."""
        return start_stack(state, "qdrant", before=self._stand_before, FRESHET_STORE_GRPC_PORT=str(self._port))

    def _stand_before(self, stack: LocalStack) -> None:
        assert stack.qdrant is not None
        if self._proxy is not None:
            self._proxy.remove()
        self._proxy = self._toxiproxy.proxy("qdrant", stack.qdrant.grpc_port, self._port)
