"""Many short histories of the real consumer and job: nothing lost, stale, torn or resurrected in any of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.simulation.world import run

pytestmark = pytest.mark.short

SEEDS, GROUP = 500, 50


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Each history logs hundreds of warnings: its faults."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", range(0, SEEDS, GROUP))
def test_no_history_violates_an_invariant(first: int) -> None:
    for seed in range(first, first + GROUP):
        outcome = run(seed)
        replay = f"python -m tests.faults.simulation --seed {seed} --trace"
        assert not outcome.findings, f"replay it with: {replay}"


@pytest.mark.parametrize("seed", [3, 32, 236])
def test_a_seed_is_one_history(seed: int) -> None:
    first, again = run(seed, tracing=True), run(seed, tracing=True)
    assert first.trace == again.trace
    assert len(first.trace) > 20
    assert first == again
