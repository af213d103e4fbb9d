"""Which tests may run at the same time: `make test` has two workers, one for each core that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ON_A_STACK = ("faults", "integration")
"""Each of these folders shares a stack of real processes, so one worker runs all of it. The longest go first."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file stay in one worker, and so do those of one stack."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))
    items.sort(key=lambda item: _turn(item.path))


def _group(path: Path) -> str:
    parts = path.relative_to(HERE).parts
    # A folder within is on a stack of its own, or on none.
    return "/".join(parts[:-1] if parts[0] in ON_A_STACK else parts)


def _turn(path: Path) -> int:
    place = path.relative_to(HERE).parts[0]
    return ON_A_STACK.index(place) if place in ON_A_STACK else len(ON_A_STACK)
