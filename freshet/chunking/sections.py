"""Cuts a text into sections by its content, so that an edit changes only the sections near it.

A cut is a place whose rank is the lowest within ``MIN_BYTES`` on both sides: the local-maximum method of Bjørner,
Blass and Gurevich, "Content-dependent chunking for differential compression, the local maximum approach" (Journal of
Computer and System Sciences 76, 2010), taken over ends of paragraphs, lines and sentences instead of single bytes.
Where there is no such place within ``MAX_BYTES``, the lowest rank near that length is taken.

Sizes are in bytes of UTF-8, which follow the number of tokens across scripts better than characters do.
"""

from __future__ import annotations

from collections.abc import Iterator

from freshet.chunking.boundaries import Boundary, forced_boundaries, natural_boundaries

MIN_BYTES = 250
"""No section is shorter but a whole text, or what follows the last forced cut. The mean is
about twice this, some 130 tokens of English."""
MAX_BYTES = 1000
"""No section is longer: mostly one chunk of prose, at worst three of dense code."""
WINDOW = MAX_BYTES + MIN_BYTES
"""How much of the text a cut depends on, counted from the section's start."""

ENCODING = "utf-8"
ON_SURROGATES = "surrogatepass"


def sections(text: str) -> Iterator[str]:
    """The text's sections in order, without those that are only white space. Joined, they are the text."""
    data = text.encode(ENCODING, ON_SURROGATES)
    start = 0
    while start < len(data):
        end = start + section_end(data[start : start + WINDOW])
        section = data[start:end].decode(ENCODING, ON_SURROGATES)
        if not section.isspace():
            yield section
        start = end


def section_end(window: bytes) -> int:
    """Length in bytes of the section that starts with ``window``: ``WINDOW`` bytes of text, or all that is left.

    It depends on nothing else, so that sections come out the same from a whole text and from a part that starts and
    ends at cuts.
    """
    size = len(window)
    if size < 2 * MIN_BYTES:
        return size
    boundaries = natural_boundaries(window)
    end = _local_minimum(boundaries, min(MAX_BYTES, size - MIN_BYTES))
    if end is not None:
        return end
    if size <= MAX_BYTES:
        return size
    # So late that the next cut lies beyond MAX_BYTES: a part that ends there is longer than that, and cut here too.
    first = MAX_BYTES - MIN_BYTES + 1
    within = [boundary for boundary in boundaries if first <= boundary[1] <= MAX_BYTES]
    return min(within or forced_boundaries(window, first, MAX_BYTES))[1]


def _local_minimum(boundaries: list[Boundary], limit: int) -> int | None:
    """The first place from MIN_BYTES to ``limit`` with no lower rank, and no equal one before it, within MIN_BYTES.

    One pass with a stack of rising ranks: what pushes a place off is the next lower one.
    """
    lowest: list[int] = []
    rising: list[tuple[int, int, bool]] = []
    for rank, position in boundaries:
        while rising and rising[-1][0] > rank:
            _, earlier, clear = rising.pop()
            if clear and position - earlier >= MIN_BYTES:
                lowest.append(earlier)
        clear = MIN_BYTES <= position <= limit and (not rising or position - rising[-1][1] >= MIN_BYTES)
        rising.append((rank, position, clear))
    lowest.extend(position for _, position, clear in rising if clear)
    return min(lowest, default=None)
