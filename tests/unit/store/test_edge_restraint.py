"""A build stands still while others need the processors, but not for ever, and never outlives whoever asked for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from freshet.store import CollectionInfo, StoreSettings
from freshet.store.edge import EdgeStore, build
from freshet.store.edge.restraint import Restraint, Usage
from tests.unit.store.crash_material import INFO_DIMENSION, document_name, until, write_document

START = Usage(total=100.0, idle=40.0, own=5.0)
MANY = 1_500


def _after(seconds: float, idle: float, own: float) -> Usage:
    """Two processors, ``seconds`` later."""
    return Usage(START.total + 2 * seconds, START.idle + idle, START.own + own)


@pytest.mark.parametrize(
    ("idle", "own", "waits"),
    [
        (2.0, 0.0, False),
        (0.0, 2.0, False),
        (0.0, 1.0, False),
        (0.5, 0.4, False),
        (0.4, 0.3, True),
        (0.0, 0.0, True),
    ],
)
def test_it_waits_while_others_take_most_of_the_processors(idle: float, own: float, waits: bool) -> None:
    """Of two seconds of processor time; the build's own does not count as theirs."""
    assert Restraint(60).waits(START, _after(1.0, idle, own), 1.0) == waits


def test_its_patience_ends_and_only_waiting_takes_of_it() -> None:
    restraint = Restraint(patience_s=2.0)
    quiet, busy = _after(1.0, 2.0, 0.0), _after(1.0, 0.0, 0.0)
    seen = [restraint.waits(START, after, 1.0) for after in (busy, quiet, quiet, busy, busy)]
    assert seen == [True, False, False, True, False]


def test_clocks_that_stand_still_are_no_reason_to_wait() -> None:
    assert not Restraint(60).waits(START, START, 0.0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A generation with enough vectors that its build takes a while."""
    settings = StoreSettings(path=tmp_path / "store", index_in_background=False, partitions=1)
    store = EdgeStore(settings)
    store.open(CollectionInfo("m", "r", INFO_DIMENSION))
    for number in range(MANY):
        write_document(store, f"{document_name(number)}-{number}", 0)
    store.close()
    return next((settings.path / "chunks-0").glob("gen-*"))


@pytest.fixture
def crowd() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Somebody who takes every processor, of those that other tests leave over."""
    program = "import os; os.nice(19)\nwhile True: pass"
    busy = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(psutil.cpu_count() or 1)]
    yield busy
    _end(busy)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
        process.wait()


def _started(source: Path, target: Path, patience_s: float) -> subprocess.Popen[str]:
    numbers = (str(number) for number in (INFO_DIMENSION, 16, 512, patience_s))
    command = [sys.executable, "-m", build.__name__, str(source), str(target), *numbers]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _stopped_worker(child: subprocess.Popen[str]) -> psutil.Process:
    assert child.stdout is not None
    assert child.stdout.readline() == "copied\n"
    until(lambda: bool(psutil.Process(child.pid).children()))
    worker = psutil.Process(child.pid).children()[0]
    until(lambda: worker.status() == psutil.STATUS_STOPPED)
    return worker


def test_a_build_is_stopped_while_the_processors_are_taken_and_then_ends(
    source: Path, tmp_path: Path, crowd: list[subprocess.Popen[bytes]]
) -> None:
    with _started(source, tmp_path / "target", patience_s=60) as child:
        _stopped_worker(child)
        _end(crowd)
        assert child.stdout is not None
        assert child.stdout.readline() == "built\n"
        assert child.wait(60) == 0


def test_a_build_ends_with_whoever_asked_for_it_also_when_it_stands_still(
    source: Path, tmp_path: Path, crowd: list[subprocess.Popen[bytes]]
) -> None:
    with _started(source, tmp_path / "target", patience_s=300) as child:
        worker = _stopped_worker(child)
        assert child.stdin is not None
        child.stdin.close()
        child.wait(60)
        until(lambda: not worker.is_running())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not end a process with its parent")
def test_the_worker_ends_with_its_watcher(source: Path, tmp_path: Path, crowd: list[subprocess.Popen[bytes]]) -> None:
    with _started(source, tmp_path / "target", patience_s=300) as child:
        worker = _stopped_worker(child)
        child.kill()
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
