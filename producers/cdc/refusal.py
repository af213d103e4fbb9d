"""What makes no document, as a dead letter."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final

from freshet.dead_letters import MAX_DETAIL_CHARS, DeadLetter
from freshet.errors import RejectedRecord
from freshet.metrics import CDC_CHANGES, DEAD
from freshet.topics import MAX_RECORD_BYTES
from producers.cdc.identity import prefix
from producers.sink import Sink

STAGE: Final = "cdc"
_LARGEST: Final = MAX_RECORD_BYTES - 8_192
"""Of key and value: room for the letter's headers and for what Kafka adds."""
_changes: Final = CDC_CHANGES.counter()
_dead: Final = DEAD.counter()


def refuse_change(
    sink: Sink, capture: str, place: tuple[str, int, int], key: bytes | None, value: bytes | None, why: RejectedRecord
) -> Future[Any]:
    """A record of Debezium's as it came; one that is too large without its value, or without both."""
    topic, partition, offset = place
    letter = DeadLetter(
        key=key,
        value=value,
        stage=STAGE,
        reason=why.reason,
        detail=why.detail,
        topic=topic,
        partition=partition,
        offset=offset,
    )
    return _send(sink, capture, letter)


def refuse_row(sink: Sink, capture: str, table: str, place: Sequence[str], why: RejectedRecord) -> Future[Any]:
    """A row that was read from its table, and stays there. ``place`` is its key as text."""
    letter = DeadLetter(
        key=f"{prefix(capture, table)}{json.dumps(list(place), ensure_ascii=False)}".encode("utf-8", "replace"),
        value=None,
        stage=STAGE,
        reason=why.reason,
        detail=_told(why.detail, f"mend the row or the capture, then `freshet audit {capture} --repair`"),
    )
    return _send(sink, capture, letter)


def _send(sink: Sink, capture: str, letter: DeadLetter) -> Future[Any]:
    _changes.labels(capture, "dead").inc()
    _dead.labels(STAGE, letter.reason).inc()
    smaller = letter
    if letter.value is not None:
        left_out = f"its value of {len(letter.value)} bytes is left out: `freshet audit {capture} --repair`"
        smaller = replace(letter, value=None, detail=_told(letter.detail, left_out))
    for one in (letter, smaller):
        if len(one.key or b"") + len(one.value or b"") <= _LARGEST:
            with contextlib.suppress(RejectedRecord):
                return sink.dead_letter(one)
    return sink.dead_letter(replace(smaller, key=None))


def _told(detail: str, remedy: str) -> str:
    """Both within what a letter keeps."""
    return f"{detail[: MAX_DETAIL_CHARS - len(remedy) - 2]}; {remedy}"
