"""A process's metrics over HTTP, for those that serve nothing else.

Where several processes stand behind one port, such as Flink's Python workers in process mode, PROMETHEUS_MULTIPROC_DIR
names a folder that they share, set before they start: who has the port then answers for all.
"""

from __future__ import annotations

import functools
import os

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from freshet.errors import UsageError

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@functools.cache
def serve_metrics(port: int, host: str = "127.0.0.1") -> int:
    """Expose ``/metrics`` from a thread of its own; once, however often it is called. Returns the port.

    Port 0 takes any free one. Raises UsageError when the port is taken or the host is not ours.
    """
    try:
        server, _ = start_http_server(port, host, _registry())
    except OSError as error:
        raise UsageError(
            f"metrics cannot be served at {host}:{port}",
            str(error),
            "end what listens there, or choose another port with this process's metrics port (docs/settings.md)",
        ) from error
    return int(server.server_address[1])


def _registry() -> CollectorRegistry:
    if not os.environ.get(SHARED_FOLDER):
        return REGISTRY
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return shared
