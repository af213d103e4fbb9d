"""Embed the query, ask the store, say how fresh each result is."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from functools import lru_cache

from freshet import metrics
from freshet.clock import Clock, wall_clock
from freshet.embedding import Embedder
from freshet.headers import SOURCE_COMMIT, UPSERTED
from freshet.store import Hit, VectorStore
from search.answers import SearchAnswer, SearchResult, Took
from search.problems import Problem
from search.query import SearchQuery

REMEMBERED_QUERIES = 1_024
"""Vectors of the last queries: who pages, filters or asks again does not wait for the model twice. 1.5 MB."""

_SECONDS = metrics.SEARCH_SECONDS.histogram()
_EMBED, _STORE, _TOTAL = (_SECONDS.labels(part) for part in ("embed", "store", "total"))


class SearchEngine:
    """Blocking and thread-safe."""

    def __init__(self, store: VectorStore, embedder: Embedder, max_k: int, clock: Clock = wall_clock) -> None:
        self._store = store
        self._embedder = embedder
        self._max_k = max_k
        self._clock = clock
        self._vector = lru_cache(REMEMBERED_QUERIES)(lambda text: embedder.embed([text])[0])

    def warm_up(self) -> None:
        """The first run of a model is slow; have it before the first query."""
        self._embedder.embed(["warm up"])

    def search(self, query: SearchQuery, asked_at: float) -> SearchAnswer:
        """``asked_at`` is ``time.perf_counter()`` when the request arrived.

        Raises Problem for a query that makes no sense, RejectedRecord("text-too-long"), UnavailableError.
        """
        self._check(query)
        started = time.perf_counter()
        vector = self._vector(query.query)
        embedded = time.perf_counter()
        hits = self._store.search(vector, query.k, query.where())
        found = time.perf_counter()
        now = self._clock()
        least = query.min_score
        results = [_result(hit, now) for hit in hits if least is None or hit.score >= least]
        done = time.perf_counter()
        embed, store, total = embedded - started, found - embedded, done - asked_at
        _EMBED.observe(embed)
        _STORE.observe(store)
        _TOTAL.observe(total)
        took = Took(round(embed * 1e3, 3), round(store * 1e3, 3), round(total * 1e3, 3))
        return SearchAnswer(results, self._embedder.model, self._embedder.revision, took)

    def _check(self, query: SearchQuery) -> None:
        if not query.query.strip():
            raise Problem(400, "The query is empty", "", "say in words what you look for")
        if not 1 <= query.k <= self._max_k:
            raise Problem(400, "k is out of range", f"k is {query.k}", f"ask for 1 to {self._max_k} results")


def _result(hit: Hit, now: int) -> SearchResult:
    head = hit.head
    changed, upserted = head.stamps.get(SOURCE_COMMIT), head.stamps.get(UPSERTED)
    return SearchResult(
        id=hit.document_id,
        text=hit.text,
        score=float(hit.score),
        version=hit.version,
        part=hit.part,
        chunk=hit.chunk,
        metadata=head.metadata,
        tenant=head.tenant,
        source=head.source,
        indexed_at=rfc3339(upserted) if upserted is not None else None,
        age_seconds=round((now - changed) / 1e9, 3) if changed is not None else None,
        freshness_ms=milliseconds(changed, upserted),
        traceparent=head.traceparent,
    )


def rfc3339(stamp: int) -> str:
    """Nanoseconds since the epoch as UTC with microseconds."""
    seconds, rest = divmod(stamp, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest // 1_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def milliseconds(start: int | None, end: int | None) -> float | None:
    """Between two stamps in ns, or None where one is missing."""
    return round((end - start) / 1e6, 3) if start is not None and end is not None else None
