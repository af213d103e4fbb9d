"""Which tests may run at the same time: `make test` has two workers, and one of them has all that needs a stack."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

HERE = Path(__file__).parent
STACKS = ("faults", "integration")
"""Folders of tests on stacks of real processes. Two stacks at once would take each other's time on two cores, and the
deadlines of tests with it. They take longest, so they go first."""
WITHOUT_STACK = ("simulation", "mutants")
STACKS_ELSEWHERE = ("manifests/test_flink_job.py",)
NICENESS = 10
"""Of tests without a stack, where the other worker may have one."""


class OneStackAtATime(LoadScopeScheduling):  # type: ignore[misc]
    """All tests on stacks go to one worker; else those of one file stay together."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.split("::")[0]).relative_to(HERE.name)
        return "stacks" if on_a_stack(path) else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneStackAtATime:
    return OneStackAtATime(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not on_a_stack(PurePosixPath(item.path.relative_to(HERE))))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A worker that has no stack makes way for the processes of the one that has."""
    if "PYTEST_XDIST_WORKER" in os.environ and not on_a_stack(PurePosixPath(item.path.relative_to(HERE))):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def on_a_stack(path: PurePosixPath) -> bool:
    return str(path) in STACKS_ELSEWHERE or (path.parts[0] in STACKS and path.parts[1] not in WITHOUT_STACK)
