"""A sink that keeps what the file producer says, and can be told to be down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from freshet.chunking.parts import parts
from freshet.dead_letters import DeadLetter
from freshet.errors import FreshetError, UnavailableError
from freshet.events import Metadata
from freshet.publishing import Receipt

DEADLINE_S = 15.0


@dataclass(frozen=True)
class Said:
    """One thing said to the pipeline; ``text`` is None for a delete and the reason for a dead letter."""

    kind: Literal["upsert", "delete", "letter"]
    id: str
    version: int = 0
    text: str = ""
    parts: int = 0
    metadata: Metadata = field(default_factory=dict)
    detail: str = ""
    committed_ns: int = 0
    occurred_at: datetime | None = None


class CaptureSink:
    """Acknowledges at once, unless ``hold`` keeps reports back or ``down`` fails every send."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.said: list[Said] = []
        self.incomplete: list[tuple[str, int]] = []
        self.hold = False
        self.down = False
        self.broken: FreshetError | None = None
        self.held: list[Future[Receipt]] = []
        self.reached = 0

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
    ) -> Future[Receipt]:
        if self.down:
            raise UnavailableError("the test says that the broker is down")
        try:
            pieces = [piece for piece, _ in parts([text] if isinstance(text, str) else text)]
        except Exception:
            self.incomplete.append((id, version))
            raise
        said = Said(
            "upsert", id, version, "".join(pieces), len(pieces), metadata or {}, "", committed_ns or 0, occurred_at
        )
        return self._say(said)

    def delete(
        self, id: str, version: int, *, tenant: str = "", source: str = "", committed_ns: int | None = None
    ) -> Future[Receipt]:
        return self._say(Said("delete", id, version, committed_ns=committed_ns or 0))

    def dead_letter(self, letter: DeadLetter) -> Future[Receipt]:
        return self._say(Said("letter", (letter.key or b"").decode(), text=letter.reason, detail=letter.detail))

    def in_flight(self) -> int:
        return len(self.held)

    def reach(self, timeout_s: float = 5.0) -> None:
        self.reached += 1
        if self.down:
            raise UnavailableError("the test says that the broker is down")

    def flush(self, timeout_s: float | None = None) -> int:
        return len(self.held)

    def release(self) -> None:
        """Acknowledge what was held back."""
        self.hold = False
        held, self.held = self.held, []
        for future in held:
            future.set_result(Receipt("", 0, 1, "documents", 0, 0))

    def drop(self) -> None:
        """Fail what was held back, as after a timeout."""
        held, self.held = self.held, []
        for future in held:
            future.set_exception(UnavailableError("no report in time"))

    def wait(self, condition: Callable[[list[Said]], bool], what: str) -> None:
        """Block until the condition holds for all that was said; fails with the list after 15 s."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.said), DEADLINE_S), f"no {what} in {self.said}"

    def wait_for(self, kind: str, id: str, text: str | None = None) -> Said:
        """The first such thing said, waited for."""
        matches = [lambda said: said.kind == kind and said.id == id and (text is None or said.text == text)]
        self.wait(lambda said: any(matches[0](one) for one in said), f"{kind} of {id} {text!r}")
        return next(one for one in self.said if matches[0](one))

    def newest(self) -> dict[str, Said]:
        """What an index would hold: of each id the upsert or delete with the highest version."""
        newest: dict[str, Said] = {}
        for one in list(self.said):
            if one.kind != "letter" and (one.id not in newest or newest[one.id].version < one.version):
                newest[one.id] = one
        return newest

    def texts(self) -> dict[str, str]:
        """Id to text of each document that an index would show."""
        return {id: said.text for id, said in self.newest().items() if said.kind == "upsert"}

    def _say(self, said: Said) -> Future[Receipt]:
        if self.down:
            raise UnavailableError("the test says that the broker is down")
        future: Future[Receipt] = Future()
        with self._changed:
            self.said.append(said)
            if self.hold:
                self.held.append(future)
            self._changed.notify_all()
        if self.broken is not None:
            future.set_exception(self.broken)
        elif not self.hold:
            future.set_result(Receipt(said.id, said.version, 1, "documents", 0, 0))
        return future
