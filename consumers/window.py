"""What the last seconds were like: a percentile over all of them, never over one batch, and the newest batches."""

from __future__ import annotations

from collections import deque

from hdrh.histogram import HdrHistogram

from consumers.policies.observations import Observations, Sample

_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 120_000_000, 3
MOST_SAMPLES = 128
FEWEST_SAMPLES = 8


class SlidingWindow:
    """Latencies of the last ``seconds``, in ``slices`` HDR histograms that are dropped one by one as they age."""

    def __init__(self, seconds: float = 10.0, slices: int = 10) -> None:
        self._slice_ns = int(seconds / slices * 1e9)
        self._slices: deque[tuple[int, HdrHistogram]] = deque()
        self._keep = slices

    def record(self, latency: float, now_ns: int) -> None:
        """``latency`` in seconds."""
        self._expire(now_ns)
        number = now_ns // self._slice_ns
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append((number, HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)))
        self._slices[-1][1].record_value(min(max(int(latency * 1e6), _LOWEST_US), _HIGHEST_US))

    def percentile(self, share: float, now_ns: int) -> float | None:
        """Seconds at ``share`` percent, or None when nothing was recorded in the window."""
        self._expire(now_ns)
        if not self._slices:
            return None
        merged = HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)
        for _, histogram in self._slices:
            merged.add(histogram)
        return float(merged.get_value_at_percentile(share)) / 1e6

    def fastest(self, now_ns: int) -> float | None:
        """The least of the window in seconds, or None when nothing was recorded in it."""
        self._expire(now_ns)
        least = min((int(histogram.get_min_value()) for _, histogram in self._slices), default=None)
        return None if least is None else least / 1e6

    def count(self, now_ns: int) -> int:
        """How many values the window holds."""
        self._expire(now_ns)
        return sum(int(histogram.get_total_count()) for _, histogram in self._slices)

    def _expire(self, now_ns: int) -> None:
        oldest = now_ns // self._slice_ns - self._keep
        while self._slices and self._slices[0][0] <= oldest:
            self._slices.popleft()


class BatchWindow:
    """The batches of the last ``seconds``, as policies see them. Of single batches only the newest are kept."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._times = SlidingWindow(seconds)
        self._keep_ns = int(seconds * 1e9)
        self._newest: deque[tuple[int, Sample]] = deque(maxlen=MOST_SAMPLES)
        self._waited: float | None = None
        self._observed_at = 0

    def record(self, size: int, seconds: float, waited: float | None, now_ns: int) -> None:
        """One batch was acknowledged. ``waited``: seconds that its oldest record waited to be fetched, if known."""
        self._times.record(seconds, now_ns)
        self._newest.append((now_ns, Sample(size, seconds)))
        self._waited = waited

    def observe(self, now_ns: int, backlog: int) -> Observations:
        """What there is to know now; ``backlog`` counts the records that wait. Costs a few milliseconds.

        Single batches are those since the last call, so that they tell of one state of the store, and a few at least.
        """
        while self._newest and self._newest[0][0] <= now_ns - self._keep_ns:
            self._newest.popleft()
        fresh = sum(at > self._observed_at for at, _ in self._newest)
        samples = tuple(sample for _, sample in self._newest)[-max(fresh, FEWEST_SAMPLES) :]
        self._observed_at = now_ns
        return Observations(
            p99=self._times.percentile(99, now_ns),
            samples=samples,
            backlog=backlog,
            waited=self._waited if self._newest else None,
            fastest=self._times.fastest(now_ns),
        )
