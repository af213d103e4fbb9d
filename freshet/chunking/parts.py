"""Splits a long text that arrives piece by piece into parts, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from freshet.chunking.sections import ENCODING, ON_SURROGATES, WINDOW, section_end

PART_BYTES = 8192
"""The longest part, in bytes of UTF-8. One part is one record, and its chunks are embedded together."""


def parts(pieces: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Parts of at most PART_BYTES, cut where ``sections`` cuts, and whether each is the last.

    The sections of the parts, one after the other, are those of the whole text. Parts that are only white space are
    left out, unless there is no other. A text always has at least one part, if an empty one.
    """
    held: str | None = None
    blank = ""
    for part in _grouped(_raw_sections(pieces)):
        if part.isspace():
            blank = blank or part
            continue
        if held is not None:
            yield held, False
        held = part
    yield (blank if held is None else held), True


def _grouped(sections: Iterable[bytes]) -> Iterator[str]:
    group: list[bytes] = []
    size = 0
    for section in sections:
        if size + len(section) > PART_BYTES:
            yield b"".join(group).decode(ENCODING, ON_SURROGATES)
            group, size = [], 0
        group.append(section)
        size += len(section)
    if group:
        yield b"".join(group).decode(ENCODING, ON_SURROGATES)


def _raw_sections(pieces: Iterable[str]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        # A piece may be of any size: only a slice of it is held as bytes at a time.
        for start in range(0, len(piece), PART_BYTES):
            rest += piece[start : start + PART_BYTES].encode(ENCODING, ON_SURROGATES)
            done = 0
            while len(rest) - done >= WINDOW:
                end = done + section_end(rest[done : done + WINDOW])
                yield rest[done:end]
                done = end
            rest = rest[done:]
    while rest:
        end = section_end(rest[:WINDOW])
        yield rest[:end]
        rest = rest[end:]
