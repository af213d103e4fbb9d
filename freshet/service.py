"""A stage that runs inside a host process, found by its entry point.

An embedded store has one owner, so the consumer and search share a process there; against a server each has its own.
Stages never import each other: ``freshet.host`` loads the named ones (entry points ``freshet.services``) and hands
each the same resources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from freshet.changes import Changes
from freshet.embedding import Embedder
from freshet.store import VectorStore


@dataclass(frozen=True, slots=True)
class Resources:
    """What the services of one process share. ``store`` is open and checked against ``embedder``."""

    store: VectorStore
    embedder: Embedder
    host_state: Callable[[], Mapping[str, object]] = dict
    """Each service's ``state`` by its name."""
    changes: Changes = field(default_factory=Changes)
    """Told by what writes the store in this process."""


class Service(Protocol):
    """``start`` returns once it is ready and works on in its own threads; ``stop`` drains and returns."""

    def start(self) -> None: ...

    def failure(self) -> BaseException | None:
        """Why it cannot go on, or None while it works. The host stops the process when there is one."""

    def state(self) -> dict[str, object]:
        """JSON-ready facts for ``freshet status``."""

    def stop(self) -> None: ...


ServiceFactory = Callable[[Resources], Service]
"""What an entry point names. It reads its own settings from the environment, as a main would."""
