"""What a producer needs of whoever takes its documents; ``freshet.publishing.Publisher`` is one."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

from freshet.dead_letters import DeadLetter
from freshet.events import Metadata
from freshet.publishing import Receipt


class Sink(Protocol):
    """Sends block while its buffer is full and raise FreshetError; the Future says when the broker has the change."""

    def publish(
        self,
        id: str,
        text: str | Iterable[str],
        *,
        version: int,
        metadata: Metadata | None = None,
        tenant: str = "",
        source: str = "",
        occurred_at: datetime | None = None,
        committed_ns: int | None = None,
    ) -> Future[Receipt]: ...

    def delete(
        self, id: str, version: int, *, tenant: str = "", source: str = "", committed_ns: int | None = None
    ) -> Future[Receipt]: ...

    def dead_letter(self, letter: DeadLetter) -> Future[Receipt]: ...


class BacklogSink(Sink, Protocol):
    """One that also tells how much is on its way."""

    def in_flight(self) -> int: ...

    def reach(self, timeout_s: float = 5.0) -> None: ...

    def flush(self, timeout_s: float | None = None) -> int: ...
