"""Which chunks of a version have arrived: pure functions on ``Progress``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from freshet.store import Head, Progress

Ranges = tuple[tuple[int, int], ...]
MAX_INCOMPLETE = 8
"""Versions of one document that may be under way at once; beyond it the lowest is forgotten."""


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


def noted(head: Head, progresses: Iterable[Progress]) -> Head:
    """The head with these versions under way, and no others."""
    kept = sorted(progresses, key=lambda one: one.version)[-MAX_INCOMPLETE:]
    return replace(head, pending=kept[-1] if kept else None, older=tuple(kept[:-1]))


def reached(now: Head | None, then: Head) -> bool:
    """Whether ``now`` says all that ``then`` said, or something newer."""
    if now is None or now.version < then.version or (then.deleted and now.version == then.version and not now.deleted):
        return False
    present = {one.version: one for one in now.incomplete}
    return all(
        one.version <= now.version or (one.version in present and _includes(present[one.version], one))
        for one in then.incomplete
    )


def _includes(more: Progress, less: Progress) -> bool:
    return all(any(start <= first and end <= stop for start, stop in more.full) for first, end in less.full) and all(
        holds(more.full, part) or more.partial.get(part, (0, 0))[1] & seen == seen
        for part, (_, seen) in less.partial.items()
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
