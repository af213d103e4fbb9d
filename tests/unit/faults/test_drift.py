"""A soak tells a leak from the noise of a warm process."""

from __future__ import annotations

import random

from tests.faults.soak.drift import leaks, pile, slowdown
from tests.faults.soak.samples import Flow, Usage

MOMENTS = [5.0 * number for number in range(720)]


def usage(growth_mb: float = 0.0, growth_files: float = 0.0, end: float = 3600.0) -> list[Usage]:
    noise = random.Random(1)

    def private_mb(at: float) -> float:
        return 300 + noise.gauss(0, 8) + growth_mb * at / 3600

    return [
        Usage("serve", 7, at, 900, private_mb(at), int(60 + growth_files * at / 3600), 20)
        for at in MOMENTS
        if at <= end
    ]


def flow(growth_ms: float = 0.0, lag: int = 3) -> list[Flow]:
    noise = random.Random(1)
    return [Flow(at, lag, 30 + noise.random() * 20 + growth_ms * at / 3600) for at in MOMENTS]


def test_noise_is_no_leak() -> None:
    assert list(leaks(usage())) == []
    assert slowdown(flow(), [100.0, 900.0]) is None
    assert pile(flow()) is None


def test_growing_memory_and_files_are_leaks() -> None:
    (memory,) = leaks(usage(growth_mb=200))
    assert "memory" in memory
    (files,) = leaks(usage(growth_files=100))
    assert "files" in files


def test_a_short_life_shows_no_leak() -> None:
    assert list(leaks(usage(growth_mb=5_000, end=400.0))) == []


def test_a_slower_end_is_told_unless_a_fault_explains_it() -> None:
    assert slowdown(flow(growth_ms=200), []) is not None
    spikes = [Flow(at, 0, 900.0 if at % 600 < 50 else 30.0) for at in MOMENTS]
    assert slowdown(spikes, [600.0 * number for number in range(6)]) is None


def test_lag_that_only_grows_is_told() -> None:
    assert pile([Flow(at, int(at), 30.0) for at in MOMENTS]) is not None
