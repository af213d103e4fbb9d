"""uvicorn in a thread of its own, inside a process that does other things too."""

from __future__ import annotations

import errno
import logging
import math
import socket
import sys
import threading

import uvicorn
from starlette.types import ASGIApp

from freshet.errors import FreshetError, UsageError

DRAIN_SECONDS = 5
UNREAD_MS = 20_000
"""That a client may leave an answer unread, on Linux; then its connection ends."""
_BACKLOG = 512
_log = logging.getLogger(__name__)


class HttpServer:
    """Serves ``app`` between ``start`` and ``stop``. Can be started once."""

    def __init__(self, app: ASGIApp, host: str, port: int, name: str, drain_seconds: float = DRAIN_SECONDS) -> None:
        """``port`` 0 takes any free one. ``name`` is that of the settings too: FRESHET_<NAME>_HOST, …_PORT."""
        self._host = host
        self._port = port
        self._name = name
        self._drain_seconds = drain_seconds
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=math.ceil(drain_seconds),
            )
        )
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def port(self) -> int:
        """The real one, once started."""
        return self._port

    def start(self) -> None:
        """Return when it accepts connections. Raises UsageError when the port is taken or the host is not ours."""
        listener = self._listen()
        self._port = listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listener,), name=f"{self._name}-http", daemon=True)
        self._thread.start()

    def failure(self) -> BaseException | None:
        """None before ``start`` and after ``stop``."""
        thread = self._thread
        if self._failure is None and thread is not None and not thread.is_alive() and not self._server.should_exit:
            return FreshetError("The HTTP server ended", "", "see the log of this process")
        return self._failure

    def stop(self) -> None:
        """Accept no more, answer what has arrived, return. Takes at most about ``drain_seconds``."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(self._drain_seconds + 1)

    def _listen(self) -> socket.socket:
        """Bound and listening, so that a client that connects before uvicorn runs waits instead of failing."""
        try:
            family, _, _, _, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            # asyncio turns Nagle's algorithm off only where the socket names TCP; else an answer waits 40 ms.
            listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if sys.platform == "linux":
                    # Connections inherit it; else one whose client stops reading stays for ever, even when closed.
                    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
                listener.bind(address)
                listener.listen(_BACKLOG)
            except OSError:
                listener.close()
                raise
            return listener
        except OSError as error:
            raise self._cannot_listen(error) from error

    def _run(self, listener: socket.socket) -> None:
        try:
            self._server.run(sockets=[listener])
        except BaseException as error:
            _log.exception("the HTTP server failed")
            self._failure = error

    def _cannot_listen(self, error: OSError) -> UsageError:
        host, port, settings = self._host, self._port, f"FRESHET_{self._name.upper()}"
        choose = f"choose another with {settings}_PORT (0 takes any free one)"
        if error.errno == errno.EADDRINUSE:
            return UsageError(
                f"Port {port} on {host} is taken", "another program listens there", f"end it, or {choose}"
            )
        if error.errno == errno.EACCES:
            return UsageError(f"Port {port} on {host} is not allowed", str(error), choose)
        return UsageError(f"Cannot listen on {host}:{port}", str(error), f"check {settings}_HOST and {settings}_PORT")
