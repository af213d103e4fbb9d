"""P99 over the last seconds."""

from __future__ import annotations

import pytest

from consumers.window import SlidingWindow

SECOND = 1_000_000_000


def test_an_empty_window_has_no_percentile() -> None:
    assert SlidingWindow().percentile(99, 0) is None


def test_percentiles_are_taken_over_all_slices() -> None:
    window = SlidingWindow(seconds=10)
    for second in range(9):
        for _ in range(11):
            window.record(0.010, second * SECOND)
    window.record(1.0, 9 * SECOND)
    assert window.percentile(50, 9 * SECOND) == pytest.approx(0.010, rel=0.01)
    assert window.percentile(99.9, 9 * SECOND) == pytest.approx(1.0, rel=0.01)
    assert window.count(9 * SECOND) == 100


def test_old_latencies_leave_the_window() -> None:
    window = SlidingWindow(seconds=10)
    window.record(5.0, 0)
    window.record(0.010, 10 * SECOND)
    assert window.percentile(100, 10 * SECOND) == pytest.approx(0.010, rel=0.01)
    assert window.percentile(99, 30 * SECOND) is None


@pytest.mark.parametrize("latency", [0.0, -1.0, 1e6])
def test_latencies_out_of_the_histograms_range_are_clamped(latency: float) -> None:
    window = SlidingWindow()
    window.record(latency, 0)
    assert window.count(0) == 1
