"""Which of the nearest chunks a search may show: those of their document's live version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from freshet.events import CANARY_SOURCE
from freshet.store.protocol import Filter, Head, Hit

_MARGIN = 4
_GROWTH = 4
_RETRIES = 16


class Candidate(NamedTuple):
    """A chunk near the query, visible or not."""

    document_id: str
    version: int
    part: int
    chunk: int
    text: str
    score: float


Nearest = Callable[[int], list[Candidate]]
"""The given number of nearest chunks, best first."""
Heads = Callable[[Collection[str]], Mapping[str, Head]]


def visible_hits(nearest: Nearest, heads: Heads, k: int, still: bool, where: Filter | None = None) -> list[Hit]:
    """The ``k`` nearest visible chunks. ``still``: no write happens between the two reads.

    A canary's document is visible only where ``where`` asks for its source.

    Every chunk is judged by one reading of the heads, made after the neighbours were read: so an answer holds no
    deleted document and no two versions of one. A document whose head moved past the chunks found may have newer
    chunks that were not there yet when the neighbours were read; they are then read again, now that the head (which
    is written last) has been seen.
    """
    canaries = where is not None and where.source == CANARY_SOURCE
    limit = k + _MARGIN
    seen: Mapping[str, Head] = {}
    retries = 0
    while True:
        found = nearest(limit)
        live = heads({candidate.document_id for candidate in found})
        hits: list[Hit] = []
        moved = False
        for candidate in found:
            head = live.get(candidate.document_id)
            if head is None or head.deleted or head.version < candidate.version:
                continue
            if head.source == CANARY_SOURCE and not canaries:
                continue
            if head.version == candidate.version:
                hits.append(Hit(*candidate, head))
            elif not still:
                before = seen.get(candidate.document_id)
                moved = moved or before is None or before.version != head.version
        if moved and retries < _RETRIES:
            retries += 1
            seen = live
        elif len(hits) < k and len(found) == limit:
            seen = live
            limit *= _GROWTH
        else:
            return hits[:k]
