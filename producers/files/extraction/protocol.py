"""What every extractor takes, returns and raises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

WHOLE_BYTES = 32 * 2**20
"""Largest file of a kind that can only be read as a whole (HTML, JSON)."""


class RefusedFile(Exception):
    """This content cannot be text, and reading it again changes nothing. ``reason`` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Content:
    """``pieces`` are read as they are consumed, so they can raise RefusedFile or OSError half-way."""

    pieces: Iterator[str]
    title: str = ""


class Extract(Protocol):
    def __call__(self, file: BinaryIO) -> Content:
        """``file`` is seekable and at its start. Raises RefusedFile; OSError passes through."""


def whole(file: BinaryIO) -> bytes:
    """All bytes of a file whose kind cannot be streamed."""
    raw = file.read(WHOLE_BYTES + 1)
    if len(raw) > WHOLE_BYTES:
        raise RefusedFile("too-large", f"this kind of file is read as a whole, up to {WHOLE_BYTES} bytes")
    return raw
