"""The live events: encoded once, sent to each open page, which is dropped when it cannot follow."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from freshet.events import CANARY_SOURCE
from freshet.metrics import LIVE_CLIENTS, LIVE_REFUSED
from freshet.store import Head
from search.change import change_of
from search.problems import Problem

RECENT: Final = 50
"""Changes in one message, and those that a new page is shown; of more in so short a time only the number is told."""
QUEUE: Final = 32
"""Messages that wait for a page before it is dropped."""
PACE_SECONDS: Final = 0.05
"""Between two messages with changes."""
PACE_PER_CLIENT: Final = 0.0002
"""Added per open page: with many of them each is told less often, and writing keeps its processor time."""
RETRY_SECONDS: Final = 10

_encoder = msgspec.json.Encoder()


def event(name: str, data: Any) -> bytes:
    """One server-sent event. JSON holds no line break, so one data line is enough."""
    return b"event: " + name.encode() + b"\ndata: " + _encoder.encode(data) + b"\n\n"


_Found = tuple[Head, int]
"""A document and when it became searchable, in ns since the epoch."""


def _told(found: Iterable[_Found], skipped: int) -> bytes:
    return event("changes", {"changes": [change_of(*one) for one in found], "skipped": skipped})


class Subscription:
    """What waits for one page. ``None`` in the queue is the end of the stream."""

    def __init__(self, first: Iterable[bytes]) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)
        self.dropped = asyncio.Event()
        for message in first:
            self.queue.put_nowait(message)

    def put(self, message: bytes | None) -> bool:
        """False when the page is too slow: it is then dropped."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.dropped.set()
            return False
        return True


class Stream:
    """Changes come from any thread; pages belong to the one event loop of the server."""

    def __init__(self, max_clients: int) -> None:
        self._max_clients = max_clients
        self._clients: set[Subscription] = set()
        self._lock = threading.Lock()
        self._recent: deque[_Found] = deque(maxlen=RECENT)
        self._fresh: deque[_Found] = deque(maxlen=RECENT)
        self._skipped = 0
        self._scheduled = False
        self._sent_at = 0.0
        self._last: dict[str, bytes] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        LIVE_CLIENTS.gauge().set_function(lambda: len(self._clients))
        self._refused = LIVE_REFUSED.counter()

    @property
    def watched(self) -> bool:
        """Whether any page is open."""
        return bool(self._clients)

    def add(self, heads: Iterable[Head], searchable_ns: int) -> None:
        """From any thread; returns at once. A canary's documents are left out: nobody looks for them."""
        with self._lock:
            for head in heads:
                if head.source == CANARY_SOURCE:
                    continue
                self._recent.append((head, searchable_ns))
                if self._clients:
                    self._skipped += len(self._fresh) == RECENT
                    self._fresh.append((head, searchable_ns))
            if not self._fresh or self._scheduled or self._loop is None:
                return
            self._scheduled = True
            loop = self._loop
        loop.call_soon_threadsafe(self._pace)

    def tell(self, name: str, data: Any) -> None:
        """Send to every page now, and first of all to pages that open later. On the event loop."""
        message = self._last[name] = event(name, data)
        self._send(message)

    def enter(self) -> Subscription:
        """On the event loop. Raises Problem with 503 when too many pages are open."""
        if self._closed or len(self._clients) >= self._max_clients:
            self._refused.labels("limit").inc()
            remedy = "try again later, or raise FRESHET_SEARCH_MAX_STREAMS"
            raise Problem(
                503, "Too many live pages are open", f"{len(self._clients)} are", remedy, retry_after=RETRY_SECONDS
            )
        with self._lock:
            self._loop = asyncio.get_running_loop()
            subscription = Subscription((_told(self._recent, 0), *self._last.values()))
            self._clients.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        with self._lock:
            self._clients.discard(subscription)
            if not self._clients:
                self._fresh.clear()
                self._skipped = 0
                self._last.clear()

    def close(self) -> None:
        """End every page's stream, from any thread: a server that stops would else wait for them."""
        self._closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._send, None)

    def _pace(self) -> None:
        loop = asyncio.get_running_loop()
        pause = PACE_SECONDS + PACE_PER_CLIENT * len(self._clients)
        due = self._sent_at + pause
        if loop.time() < due:
            loop.call_at(due, self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            self._scheduled = False
            found, skipped = list(self._fresh), self._skipped
            self._fresh.clear()
            self._skipped = 0
        self._sent_at = asyncio.get_running_loop().time()
        if found:
            self._send(_told(found, skipped))

    def _send(self, message: bytes | None) -> None:
        for subscription in tuple(self._clients):
            if not subscription.put(message):
                self._refused.labels("slow").inc()
                self.leave(subscription)
