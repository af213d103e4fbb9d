"""Around every request: count it, and refuse a body too large to be a query."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freshet import metrics

MAX_BODY_BYTES = 262_144

_REQUESTS = metrics.SEARCH_REQUESTS.counter()


class SearchMiddleware:
    """Plain ASGI: a BaseHTTPMiddleware would cost more than all the rest of the HTTP handling."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/search":
            await self._app(scope, receive, send)
            return
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise HTTPException(413, f"The body is larger than {MAX_BODY_BYTES} bytes")
            return message

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                _REQUESTS.labels(str(message["status"])).inc()
            await send(message)

        await self._app(scope, bounded, counted)
