"""The checker can fail: each deliberate mistake is found, and what is no mistake is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.mutants.catalogue import MUTANTS, Mutant, hunt

pytestmark = pytest.mark.short


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_each_is_found_within_its_seeds_and_the_real_code_is_not(mutant: Mutant) -> None:
    found = hunt(mutant, mutant.near, mutant.within).finding
    if mutant.harmless:
        assert found is None
    else:
        assert found is not None, f"not found in {mutant.within} seeds from {mutant.near}"
