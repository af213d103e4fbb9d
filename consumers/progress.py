"""Which chunks of a version have arrived: pure functions on ``Progress``."""

from __future__ import annotations

from dataclasses import replace

from freshet.store import Progress

Ranges = tuple[tuple[int, int], ...]


def add(progress: Progress, part: int, chunk: int, chunks: int, last: bool) -> Progress | None:
    """The progress with this chunk, or None when it was there already. ``chunks`` 0 is a part with nothing to embed."""
    if holds(progress.full, part):
        return None
    seen = progress.partial.get(part, (chunks, 0))[1]
    bit = 1 << chunk if chunks else 0
    if bit and seen & bit:
        return None
    seen |= bit
    partial = {number: state for number, state in progress.partial.items() if number != part}
    full = progress.full
    if seen == (1 << chunks) - 1:
        full = insert(full, part)
    else:
        partial[part] = (chunks, seen)
    return replace(
        progress,
        full=full,
        partial=partial,
        parts=part + 1 if last else progress.parts,
        chunks=progress.chunks + (1 if bit else 0),
    )


def complete(progress: Progress) -> bool:
    """Whether every part up to the last one is whole."""
    return progress.parts is not None and progress.full == ((0, progress.parts),)


def holds(ranges: Ranges, number: int) -> bool:
    return any(start <= number < end for start, end in ranges)


def insert(ranges: Ranges, number: int) -> Ranges:
    """The ranges with one more number, joined where they touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((*ranges, (number, number + 1))):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
