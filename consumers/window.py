"""A percentile over the last seconds, never over one batch."""

from __future__ import annotations

from collections import deque

from hdrh.histogram import HdrHistogram

_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 120_000_000, 3


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

    def count(self, now_ns: int) -> int:
        """How many values the window holds."""
        self._expire(now_ns)
        return sum(int(histogram.get_total_count()) for _, histogram in self._slices)

    def _expire(self, now_ns: int) -> None:
        oldest = now_ns // self._slice_ns - self._keep
        while self._slices and self._slices[0][0] <= oldest:
            self._slices.popleft()
