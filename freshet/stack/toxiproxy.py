"""A TCP proxy that can be told to slow, cut or swallow what passes: toxiproxy, driven through its HTTP interface."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import httpx

from freshet.errors import UnavailableError
from freshet.stack.process import StackProcess, accepts, free_port

BINARY = "toxiproxy-server"
TOOLS = Path(__file__).parents[2] / ".tools" / "bin"
"""Where ``make tools`` puts it."""

Stream = Literal["upstream", "downstream"]
"""``upstream`` is what the client sends, ``downstream`` what the server answers."""


def toxiproxy_binary() -> Path | None:
    """What TOXIPROXY_BIN names, ``make tools`` installed, or the PATH holds; None where there is none."""
    installed = TOOLS / BINARY
    named = os.environ.get("TOXIPROXY_BIN") or (installed if installed.exists() else shutil.which(BINARY))
    return Path(named) if named else None


class Toxiproxy(StackProcess):
    """The server of all proxies. They are gone when it ends; connections through them break then."""

    def __init__(self, binary: Path, log: Path) -> None:
        super().__init__("toxiproxy", log)
        self._binary = binary
        self._port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def command(self) -> Sequence[str]:
        return [str(self._binary), "-host", "127.0.0.1", "-port", str(self._port)]

    def ready(self) -> bool:
        return accepts(self._port)

    def proxy(self, name: str, upstream_port: int, port: int | None = None) -> Proxy:
        """A proxy from ``port`` (any free one) to ``upstream_port``, both on 127.0.0.1. Raises UnavailableError."""
        listen = port or free_port()
        _call(
            "POST",
            f"{self.url}/proxies",
            {"name": name, "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{upstream_port}", "enabled": True},
        )
        return Proxy(f"{self.url}/proxies/{name}", listen)


class Proxy:
    """One proxy. Every method blocks for one request and raises UnavailableError when it is refused."""

    def __init__(self, url: str, port: int) -> None:
        self._url = url
        self.port = port

    @contextmanager
    def toxic(self, kind: str, stream: Stream, **attributes: int) -> Iterator[None]:
        """For the length of the block, what passes in this direction is treated so; kinds and attributes are its own.

        For example ``latency`` with ``latency`` in ms, ``timeout`` with ``timeout`` 0: nothing passes and nothing is
        closed, or ``reset_peer`` with ``timeout`` in ms.
        """
        name = f"{kind}-{stream}"
        _call("POST", f"{self._url}/toxics", {"name": name, "type": kind, "stream": stream, "attributes": attributes})
        try:
            yield
        finally:
            _call("DELETE", f"{self._url}/toxics/{name}")

    @contextmanager
    def half_open(self) -> Iterator[None]:
        """Nothing passes in either direction and no connection is closed, as when a firewall has forgotten them.

        At the end of the block toxiproxy closes the connections that were held up so.
        """
        with self.toxic("timeout", "upstream", timeout=0), self.toxic("timeout", "downstream", timeout=0):
            yield

    @contextmanager
    def down(self) -> Iterator[None]:
        """Connections are closed and refused."""
        self._enable(False)
        try:
            yield
        finally:
            self._enable(True)

    def remove(self) -> None:
        _call("DELETE", self._url)

    def _enable(self, enabled: bool) -> None:
        _call("POST", self._url, {"enabled": enabled})


def _call(method: str, url: str, body: dict[str, object] | None = None) -> None:
    try:
        httpx.request(method, url, json=body, timeout=5).raise_for_status()
    except httpx.HTTPStatusError as error:
        raise UnavailableError("toxiproxy refuses", f"{method} {url}: {error.response.text}") from error
    except httpx.HTTPError as error:
        raise UnavailableError("toxiproxy does not answer", f"{method} {url}: {error!r}") from error
