"""One change as the live page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from freshet.headers import EMBEDDED, PUBLISHED, SOURCE_COMMIT, UPSERTED
from freshet.store import Head
from search.answers import HopTimes
from search.engine import milliseconds


@dataclass(frozen=True, slots=True)
class Change:
    """A document became searchable in this version, or was deleted by it, at ``at`` (ms since the epoch).

    ``freshness_ms`` counts from the change at its source; null where the source did not say when that was.
    """

    id: str
    version: int
    deleted: bool
    chunks: int
    tenant: str
    source: str
    at: float
    freshness_ms: float | None
    hops_ms: HopTimes


def change_of(head: Head, searchable_ns: int) -> Change:
    changed = head.stamps.get(SOURCE_COMMIT)
    return Change(
        id=head.document_id,
        version=head.version,
        deleted=head.deleted,
        chunks=head.chunks,
        tenant=head.tenant,
        source=head.source,
        at=round(searchable_ns / 1e6, 3),
        freshness_ms=milliseconds(changed, searchable_ns),
        hops_ms=hop_times(head, searchable_ns),
    )


def hop_times(head: Head, searchable_ns: int | None = None) -> HopTimes:
    """From the stored stamps, or until ``searchable_ns``, which is a little later than the last of them."""
    changed, published, embedded = (head.stamps.get(name) for name in (SOURCE_COMMIT, PUBLISHED, EMBEDDED))
    end = head.stamps.get(UPSERTED) if searchable_ns is None else searchable_ns
    return HopTimes(
        milliseconds(changed, published),
        milliseconds(published, embedded),
        milliseconds(embedded, end),
        milliseconds(changed, end),
    )
