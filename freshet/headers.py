"""Record headers: the W3C trace context and one timestamp per hop (nanoseconds since the epoch, ASCII digits)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
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


def new_traceparent() -> str:
    """A sampled W3C trace context with a fresh trace (https://www.w3.org/TR/trace-context/)."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def read_headers(raw: list[tuple[str, bytes | None]] | None) -> Headers:
    """Kafka's list as a mapping; of a repeated name the last one counts."""
    return {name: value for name, value in raw or () if value is not None}


def stamp(headers: Mapping[str, bytes], name: str) -> int | None:
    """The stamp in ns, or None where it is missing or no number."""
    value = headers.get(name)
    return int(value) if value is not None and value.isdigit() and len(value) < 20 else None
