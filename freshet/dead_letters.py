"""A record that no retry can mend, as it lies on ``dead-letters``: unchanged, with headers that say what was wrong.

Key and value are the original bytes and the original headers stay, so that a letter can go back to where it came from.
A redriven letter is not removed: a marker record that names its place follows it on the same topic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from freshet.headers import (
    DEAD_ATTEMPTS,
    DEAD_DETAIL,
    DEAD_MODEL,
    DEAD_OFFSET,
    DEAD_PARTITION,
    DEAD_REASON,
    DEAD_STAGE,
    DEAD_TOPIC,
    REDRIVES,
)

REDRIVEN: Final = "freshet-dead-redriven"
"""Header of a marker: ``partition/offset`` of the letter that was sent back."""
FILES_STAGE: Final = "files"
"""The stage that reads files: its letters name a file, and there is no record to send back."""
MAX_DETAIL_CHARS: Final = 1_000

HeaderList = list[tuple[str, bytes | None]]

_PREFIX = "freshet-dead-"
_PLACE = re.compile(r"(\d{1,10})/(\d{1,19})")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """``topic``, ``partition``, ``offset`` say where the record was read; without a topic it never was a record."""

    key: bytes | None
    value: bytes | None
    stage: str
    reason: str
    """A stable word, the same as in metrics (``RejectedRecord.reason``)."""
    detail: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1
    attempts: int = 1
    model: str = ""
    """Revision of the model in use, empty before any model was."""
    headers: tuple[tuple[str, bytes | None], ...] = ()
    """The record's own headers, in order and with repeated names."""

    @property
    def redrives(self) -> int:
        """How often this record was sent back before."""
        return _number(dict(self.headers).get(REDRIVES), 0)

    @property
    def can_be_redriven(self) -> bool:
        return bool(self.topic) and self.stage != FILES_STAGE

    def to_headers(self) -> HeaderList:
        """The headers to write on ``dead-letters``; key and value are written as they are."""
        own = {
            DEAD_STAGE: self.stage,
            DEAD_REASON: self.reason,
            DEAD_DETAIL: self.detail[:MAX_DETAIL_CHARS],
            DEAD_TOPIC: self.topic,
            DEAD_PARTITION: str(self.partition),
            DEAD_OFFSET: str(self.offset),
            DEAD_ATTEMPTS: str(self.attempts),
            DEAD_MODEL: self.model,
        }
        return [*_without_own(self.headers), *((name, text.encode("utf-8", "replace")) for name, text in own.items())]

    def redrive_headers(self) -> HeaderList:
        """The original headers with the count of redrives raised by one."""
        kept = [(name, value) for name, value in self.headers if name != REDRIVES]
        return [*kept, (REDRIVES, str(self.redrives + 1).encode())]

    @classmethod
    def from_record(
        cls, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]] | None
    ) -> DeadLetter:
        """Read one record of ``dead-letters``. Never raises: what is missing or garbled is empty, -1 or 0."""
        headers = tuple(headers or ())
        named = {name: value for name, value in headers if value is not None}
        return cls(
            key=key,
            value=value,
            stage=_text(named, DEAD_STAGE),
            reason=_text(named, DEAD_REASON),
            detail=_text(named, DEAD_DETAIL),
            topic=_text(named, DEAD_TOPIC),
            partition=_number(named.get(DEAD_PARTITION), -1),
            offset=_number(named.get(DEAD_OFFSET), -1),
            attempts=_number(named.get(DEAD_ATTEMPTS), 0),
            model=_text(named, DEAD_MODEL),
            headers=tuple(_without_own(headers)),
        )


def marker_headers(partition: int, offset: int) -> HeaderList:
    """Headers of the record that marks the letter at this place of ``dead-letters`` as redriven."""
    return [(REDRIVEN, f"{partition}/{offset}".encode())]


def marked_place(headers: Iterable[tuple[str, bytes | None]] | None) -> tuple[int, int] | None:
    """(partition, offset) that a marker names, or None where the record is a letter."""
    raw = dict(headers or ()).get(REDRIVEN)
    found = _PLACE.fullmatch(raw.decode("ascii", "replace")) if raw is not None else None
    return (int(found[1]), int(found[2])) if found else None


def _without_own(headers: Iterable[tuple[str, Any]]) -> HeaderList:
    return [(name, value) for name, value in headers if not name.startswith(_PREFIX)]


def _text(headers: Mapping[str, bytes], name: str) -> str:
    return headers.get(name, b"").decode("utf-8", "replace")


def _number(value: bytes | None, otherwise: int) -> int:
    return int(value) if value is not None and value.isdigit() and len(value) < 20 else otherwise
