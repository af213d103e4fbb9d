"""Which tests may run at the same time: `make test` has two workers, and one of them has all that needs a stack."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

HERE = Path(__file__).parent
STACKS = (HERE / "faults", HERE / "integration", HERE / "manifests" / "test_flink_job.py")
"""Tests on stacks of real processes. Two stacks at once would take each other's time on two cores, and the deadlines of
tests with it. They take longest, so they go first."""
WITHOUT_STACK = (
    HERE / "faults" / "simulation",
    HERE / "faults" / "mutants",
    # A broker alone, a database or a server: beside a stack there is room for one.
    HERE / "integration" / "test_cdc_audit.py",
    HERE / "integration" / "test_cdc_checks.py",
    HERE / "integration" / "test_cdc_outbox.py",
    HERE / "integration" / "test_cdc_rows.py",
    HERE / "integration" / "test_files_process.py",
    HERE / "integration" / "test_partitions.py",
    HERE / "integration" / "test_publish_broker.py",
    HERE / "integration" / "test_serve_model.py",
    HERE / "integration" / "observed" / "test_monitor.py",
)
SHARED_STACK = HERE / "integration"
"""Where files share one; folders below have their own."""
NICENESS = 15
"""Of tests without a stack, where the other worker may have one."""


class OneStackAtATime(LoadScopeScheduling):  # type: ignore[misc]
    """All tests on stacks go to one worker; else those of one file stay together."""

    def _split_scope(self, nodeid: str) -> str:
        path = HERE.parent / nodeid.split("::")[0]
        return "stacks" if on_a_stack(path) else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneStackAtATime:
    return OneStackAtATime(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The stack that many files share comes last: it would take time beside those that start their own."""
    sharing = {item.path for item in items if item.path.parent == SHARED_STACK and "stack" in _fixtures(item)}
    items.sort(key=lambda item: (not on_a_stack(item.path), item.path in sharing))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A worker that has no stack makes way for the processes of the one that has."""
    if "PYTEST_XDIST_WORKER" in os.environ and not on_a_stack(item.path):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def on_a_stack(path: Path) -> bool:
    around = (path, *path.parents)
    return any(one in around for one in STACKS) and not any(one in around for one in WITHOUT_STACK)


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])
