"""``GET /events``: what becomes searchable, as it does, and the figures of each second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from search.answers import ErrorAnswer
from search.stream import Stream, Subscription

_HEADERS = {
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx would else collect the events
}


def event_routes(stream: Stream, opened: Callable[[], None], dependencies: Sequence[Any]) -> APIRouter:
    """``opened`` is called, on the event loop, for each page that opens."""
    router = APIRouter(tags=["live"], dependencies=dependencies)

    @router.get(
        "/events",
        responses={
            200: {
                "content": {"text/event-stream": {}},
                "description": "events `changes` and `figures`, as JSON",
            },
            503: {"model": ErrorAnswer, "description": "too many are open: see Retry-After"},
        },
    )
    async def events() -> Response:
        """Server-sent events, until the client leaves. A client that does not read is dropped."""
        response = EventResponse(stream, stream.enter())
        opened()
        return response

    return router


class EventResponse(Response):
    """Ends when the client leaves, when it is too slow, or with the stream."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream, subscription: Subscription) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._stream = stream
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tasks = [
            asyncio.ensure_future(one)
            for one in (self._send_all(send), _disconnected(receive), self._subscription.dropped.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stream.leave(self._subscription)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while (message := await self._subscription.queue.get()) is not None:
            # Blocks while the client does not read; its queue fills meanwhile, until it is dropped.
            await send({"type": "http.response.body", "body": message, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
