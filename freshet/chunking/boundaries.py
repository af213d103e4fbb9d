"""Where a text may be cut, and how readily: each place ranked by its kind, then by a hash of what stands before it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

CONTEXT = 32
"""Bytes before a place that decide its rank. Text further away has no say."""

_BLANK_LINE, _LINE, _SENTENCE, _SPACE, _CHARACTER = range(5)
_LINE_OR_SENTENCE = re.compile(
    rb"\n|[.!?][\"')\]]?[ \t]"
    rb"|\xe3\x80\x82|\xef\xbc\x81|\xef\xbc\x9f"  # 。！？ in UTF-8
)
_SPACES = re.compile(rb"[ \t\r\v\f]|\xe3\x80\x80|\xe3\x80\x81|\xef\xbc\x8c")  # with the wide space and 、，

Boundary = tuple[int, int]
"""Rank (the lower, the better a cut) and position in bytes."""


def natural_boundaries(window: bytes) -> list[Boundary]:
    """Ends of paragraphs, lines and sentences in UTF-8 text, by position."""
    found: list[Boundary] = []
    line_start = 0
    for match in _LINE_OR_SENTENCE.finditer(window):
        end = match.end()
        kind = _SENTENCE
        if window[end - 1] == 0x0A:
            blank = end - line_start <= 80 and not window[line_start:end].strip()
            kind = _BLANK_LINE if blank else _LINE
            line_start = end
        found.append((_rank(window, end, kind), end))
    return found


def forced_boundaries(window: bytes, first: int, last: int) -> Iterator[Boundary]:
    """Places for text with no natural ones from byte ``first`` to ``last``: after spaces, else between characters."""
    spaces = [match.end() for match in _SPACES.finditer(window, first - 1, last)]
    if spaces:
        return ((_rank(window, end, _SPACE), end) for end in spaces)
    places = (end for end in range(first, last + 1) if window[end] & 0xC0 != 0x80)
    return ((_rank(window, end, _CHARACTER), end) for end in places)


def _rank(window: bytes, end: int, kind: int) -> int:
    return kind << 32 | zlib.crc32(window[max(0, end - CONTEXT) : end])
