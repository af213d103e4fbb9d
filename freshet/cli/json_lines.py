"""Many changes at once: one JSON object per line, sent as they are read."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from freshet.errors import FreshetError, RejectedRecord, UnavailableError
from freshet.events import Metadata, Op
from freshet.publishing import Publisher, Receipt

MAX_WAITING = 10_000
"""Changes sent and not yet acknowledged; bounds the memory of a long input."""


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line. Without a version it gets the time at which it was read."""

    id: str
    op: Op = "upsert"
    version: int | None = None
    text: str | None = None
    metadata: Metadata = {}
    tenant: str | None = None
    source: str | None = None
    occurred_at: datetime | None = None


@dataclass(slots=True)
class Outcome:
    """``refused`` holds line numbers (from 1) with what was wrong; their neighbours were sent."""

    acknowledged: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def publish_lines(
    publisher: Publisher,
    lines: Iterable[bytes],
    tenant: str,
    source: str,
    clock: Callable[[], int] = time.time_ns,
) -> Outcome:
    """Block until each line is acknowledged or refused. Raises UnavailableError when the broker stops answering."""
    outcome = Outcome()
    waiting: deque[tuple[int, Future[Receipt]]] = deque()
    decoder = msgspec.json.Decoder(Change)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            waiting.append((number, _send(publisher, decoder.decode(line), tenant, source, clock)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RejectedRecord) as error:
            outcome.refused.append((number, str(error)))
        while len(waiting) > MAX_WAITING:
            _settle(*waiting.popleft(), outcome)
    for number, future in waiting:
        _settle(number, future, outcome)
    return outcome


def _send(publisher: Publisher, change: Change, tenant: str, source: str, clock: Callable[[], int]) -> Future[Receipt]:
    version = clock() if change.version is None else change.version
    tenant = tenant if change.tenant is None else change.tenant
    source = source if change.source is None else change.source
    if change.op == "delete":
        return publisher.delete(change.id, version, tenant=tenant, source=source, occurred_at=change.occurred_at)
    if change.text is None:
        raise RejectedRecord("missing-text", "an upsert needs a text (an empty one is allowed)")
    return publisher.publish(
        change.id,
        change.text,
        version=version,
        metadata=change.metadata,
        tenant=tenant,
        source=source,
        occurred_at=change.occurred_at,
    )


def _settle(number: int, future: Future[Receipt], outcome: Outcome) -> None:
    try:
        future.result()
    except UnavailableError:
        raise
    except FreshetError as error:
        outcome.refused.append((number, str(error)))
    else:
        outcome.acknowledged += 1
