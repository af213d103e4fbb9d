"""Which tests may run at the same time: `make test` has two workers, and one of them has all that needs a stack."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
STACKS = ("faults", "integration")
"""Folders of tests on stacks of real processes. Two stacks at once would take each other's time on two cores, and the
deadlines of tests with it. They take longest, so they go first."""
WITHOUT_STACK = ("simulation", "mutants")
STACKS_ELSEWHERE = (Path("manifests", "test_flink_job.py"),)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One group for all stacks, one for each other file. First of all hooks, as xdist reads the marks in its own."""
    for item in items:
        where = item.path.relative_to(HERE)
        item.add_marker(pytest.mark.xdist_group("stacks" if _on_a_stack(where) else str(where)))
    items.sort(key=lambda item: not _on_a_stack(item.path.relative_to(HERE)))


def _on_a_stack(path: Path) -> bool:
    return path in STACKS_ELSEWHERE or (path.parts[0] in STACKS and path.parts[1] not in WITHOUT_STACK)
