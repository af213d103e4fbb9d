"""What the CDC producer needs of whoever takes its documents; ``freshet.publishing.Publisher`` is one."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol

from freshet.dead_letters import DeadLetter
from freshet.events import Metadata


class Sink(Protocol):
    """Sends block while its buffer is full and raise FreshetError; the Future says when the broker has the change."""

    def publish(
        self,
        id: str,
        text: str,
        *,
        version: int,
        metadata: Metadata | None = None,
        tenant: str = "",
        source: str = "",
        occurred_at: datetime | None = None,
        committed_ns: int | None = None,
    ) -> Future[Any]: ...

    def delete(self, id: str, version: int, *, source: str = "", committed_ns: int | None = None) -> Future[Any]: ...

    def dead_letter(self, letter: DeadLetter) -> Future[Any]: ...
