"""The stack that all faults share, the verdicts, and which faults run where."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from freshet.stack.process import ProcessFailed
from tests.faults.harness.lab import SEED, Lab, chosen_seed, start_stack
from tests.faults.harness.report import COLUMNS, write_report
from tests.faults.harness.trial import Trial
from tests.faults.harness.verdict import Verdict

HERE = Path(__file__).parent
REPORT = "FRESHET_FAULTS_REPORT"
"""A file for the table; without it none is written."""

_verdicts = pytest.StashKey[list[Verdict]]()
_seed = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Unless faults are named on the command line, only those marked ``short`` run."""
    if any("faults" in argument for argument in config.args):
        return
    left = [item for item in items if HERE in item.path.parents and item.get_closest_marker("short") is None]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    verdicts = config.stash.get(_verdicts, [])
    for verdict in verdicts:
        row = verdict.row()
        terminalreporter.write_line("  ".join(f"{name} {row[name]}" for name in COLUMNS if name in row))
    if verdicts and (path := os.environ.get(REPORT)):
        write_report(Path(path), [verdict.row() for verdict in verdicts], "make faults")


@pytest.fixture(scope="session")
def faults_seed(pytestconfig: pytest.Config) -> int:
    """Of this run; printed with every verdict."""
    return pytestconfig.stash.setdefault(_seed, chosen_seed())


class Labs:
    """The shared stack, started when first asked for and anew after one could not be mended."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._number = 0
        self._lab: Lab | None = None

    def get(self) -> Lab:
        if self._lab is None:
            self._number += 1
            self._lab = Lab(start_stack(self._folder / f"state-{self._number}"), self._seed)
        return self._lab

    def drop(self) -> None:
        if self._lab is not None:
            self._lab.drop()
        self._lab = None


@pytest.fixture(scope="package")
def labs(tmp_path_factory: pytest.TempPathFactory, faults_seed: int) -> Iterator[Labs]:
    opened = Labs(tmp_path_factory.mktemp("faults"), faults_seed)
    yield opened
    opened.drop()


@pytest.fixture(scope="session")
def verdicts(pytestconfig: pytest.Config) -> Callable[[Verdict], None]:
    """Takes a verdict into the summary and the table."""
    return pytestconfig.stash.setdefault(_verdicts, []).append


@pytest.fixture
def trial(labs: Labs, verdicts: Callable[[Verdict], None], request: pytest.FixtureRequest) -> Iterator[Trial]:
    """One fault, named after its test, on the shared stack, which is running again and quiet afterwards."""
    name = re.sub(r"[\W_]+", " ", request.node.name.removeprefix("test_")).strip()
    lab = labs.get()
    print(f"{SEED}={lab.seed}")  # noqa: T201 - pytest shows it when the test fails
    opened = Trial(lab, name, verdicts)
    opened.open()
    yield opened
    try:
        opened.close()
    except ProcessFailed:
        with suppress(Exception):
            labs.drop()
        raise
