"""What the consumer tells of itself: Prometheus metrics, and the figures behind ``freshet status``."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from consumers.window import SlidingWindow
from freshet import headers, metrics
from freshet.changes import Listener, WrittenBatch
from freshet.clock import Clock
from freshet.dead_letters import DeadLetter
from freshet.errors import UnavailableError
from freshet.store import Head

HOPS = (
    ("publish", headers.SOURCE_COMMIT, headers.PUBLISHED),
    ("embed", headers.PUBLISHED, headers.EMBEDDED),
    ("upsert", headers.EMBEDDED, headers.UPSERTED),
)
STATUS_WINDOW_SECONDS = 60.0


class Observer:
    """Written by the consumer's thread; ``state`` is read by others."""

    def __init__(self, clock: Clock, policy: str = "", tell: Listener | None = None) -> None:
        """``policy`` is the name of the one that runs; ``tell`` is called after each batch."""
        self._clock = clock
        self._policy = policy
        self._tell = tell
        self._lock = threading.Lock()
        self._fresh = SlidingWindow(STATUS_WINDOW_SECONDS)
        self._outcomes: Counter[str] = Counter()
        self._limit = 0
        self._lag = 0
        self._oldest_ns: int | None = None
        self._last_error: str | None = None
        self._records = metrics.RECORDS.counter()
        self._freshness = metrics.FRESHNESS.histogram()
        self._hops = metrics.HOP.histogram()
        self._sizes = metrics.BATCH_SIZE.histogram()
        self._seconds = metrics.BATCH_SECONDS.histogram()
        self._limits = metrics.BATCH_LIMIT.gauge()
        self._p99 = metrics.BATCH_P99.gauge()
        self._decisions = metrics.POLICY_DECISIONS.counter()
        self._lags = metrics.LAG_RECORDS.gauge()
        metrics.LAG_SECONDS.gauge().set_function(self._lag_seconds)
        self._store_seconds = metrics.STORE_SECONDS.histogram()
        self._errors = metrics.STORE_ERRORS.counter()
        self._dead = metrics.DEAD.counter()
        if policy:
            metrics.POLICY.gauge().labels(policy).set(1)

    def batch(
        self,
        size: int,
        seconds: float,
        outcomes: Counter[str],
        finished: Sequence[Head],
        letters: Sequence[DeadLetter],
        now_ns: int,
    ) -> None:
        """One batch was acknowledged; ``finished`` documents became searchable at ``now_ns``."""
        self._sizes.observe(size)
        self._seconds.observe(seconds)
        for outcome, count in outcomes.items():
            self._records.labels(outcome).inc(count)
        for letter in letters:
            self._dead.labels(letter.stage, letter.reason).inc()
        for head in finished:
            for hop, start, end in HOPS:
                if start in head.stamps and end in head.stamps:
                    self._hops.labels(hop).observe(max(0, head.stamps[end] - head.stamps[start]) / 1e9)
        with self._lock:
            self._last_error = None
            self._outcomes += outcomes
            for head in finished:
                if (committed := head.stamps.get(headers.SOURCE_COMMIT)) is not None:
                    fresh = max(0, now_ns - committed) / 1e9
                    self._freshness.observe(fresh)
                    self._fresh.record(fresh, now_ns)
        if self._tell is not None:
            self._tell(WrittenBatch(size, now_ns - int(seconds * 1e9), now_ns, tuple(finished)))

    def limit(self, before: int, after: int, p99: float | None) -> None:
        """The policy was asked."""
        self._limit = after
        self._limits.set(after)
        self._p99.set(p99 or 0.0)
        self._decisions.labels("grow" if after > before else "shrink" if after < before else "hold").inc()

    def lag(self, records: int) -> None:
        self._lag = records
        self._lags.set(records)

    @contextmanager
    def holding(self, oldest_ns: int | None) -> Iterator[None]:
        """For the length of the block a batch is at hand whose oldest record was embedded then."""
        self._oldest_ns = oldest_ns
        try:
            yield
        finally:
            self._oldest_ns = None

    def store_call(self, operation: str) -> AbstractContextManager[object]:
        """Times the block as one call to the store."""
        return self._store_seconds.labels(operation).time()

    def store_error(self, error: UnavailableError) -> None:
        self._errors.inc()
        with self._lock:
            self._last_error = str(error)

    def _lag_seconds(self) -> float:
        oldest = self._oldest_ns
        return 0.0 if oldest is None else max(0, self._clock() - oldest) / 1e9

    def state(self) -> dict[str, object]:
        """JSON-ready. Freshness is over the last minute, in milliseconds; None while nothing changed."""
        now = self._clock()
        with self._lock:
            p50, p99 = self._fresh.percentile(50, now), self._fresh.percentile(99, now)
            return {
                "freshness_ms": {
                    "p50": None if p50 is None else round(p50 * 1e3, 1),
                    "p99": None if p99 is None else round(p99 * 1e3, 1),
                    "events": self._fresh.count(now),
                },
                "batch_limit": self._limit,
                "policy": self._policy,
                "lag": self._lag,
                "outcomes": dict(self._outcomes),
                "error": self._last_error,
            }
