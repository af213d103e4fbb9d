"""Record headers: the W3C trace context and one timestamp per hop (nanoseconds since the epoch, ASCII digits)."""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TRACEPARENT: Final = "traceparent"
SOURCE_COMMIT: Final = "freshet-source-commit"
PUBLISHED: Final = "freshet-published"
EMBEDDED: Final = "freshet-embedded"
UPSERTED: Final = "freshet-upserted"
STAMPS: Final = (SOURCE_COMMIT, PUBLISHED, EMBEDDED, UPSERTED)

DEAD_STAGE: Final = "freshet-dead-stage"
DEAD_REASON: Final = "freshet-dead-reason"
DEAD_DETAIL: Final = "freshet-dead-detail"
DEAD_TOPIC: Final = "freshet-dead-topic"
DEAD_PARTITION: Final = "freshet-dead-partition"
DEAD_OFFSET: Final = "freshet-dead-offset"
DEAD_ATTEMPTS: Final = "freshet-dead-attempts"
DEAD_MODEL: Final = "freshet-dead-model"
REDRIVES: Final = "freshet-redrives"

Headers = dict[str, bytes]
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Of a W3C traceparent. ``ours``: Freshet began the trace, and no one else sends the span that it names."""

    trace_id: str
    span_id: str
    sampled: bool

    @property
    def ours(self) -> bool:
        return self.trace_id.endswith(self.span_id)


def new_traceparent(share: float = 1.0) -> str:
    """A W3C trace context with a fresh trace (https://www.w3.org/TR/trace-context/), sampled with this probability.

    The span is named after the trace, which tells it from one that a traced program has sent itself.
    """
    trace_id = secrets.token_hex(16)
    return f"00-{trace_id}-{trace_id[16:]}-{'01' if random.random() < share else '00'}"


def parse_traceparent(text: str) -> TraceContext | None:
    """None where it is none."""
    found = _TRACEPARENT.fullmatch(text)
    if found is None or not (int(found[1], 16) and int(found[2], 16)):
        return None
    return TraceContext(found[1], found[2], bool(int(found[3], 16) & 1))


def read_headers(raw: list[tuple[str, bytes | None]] | None) -> Headers:
    """Kafka's list as a mapping; of a repeated name the last one counts."""
    return {name: value for name, value in raw or () if value is not None}


def stamp(headers: Mapping[str, bytes], name: str) -> int | None:
    """The stamp in ns, or None where it is missing or no number."""
    value = headers.get(name)
    return int(value) if value is not None and value.isdigit() and len(value) < 20 else None
