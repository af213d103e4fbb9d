"""kill -9 at any time loses nothing that was acknowledged, also in the middle of an index build and its swap."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from freshet.store import CollectionInfo, StoreSettings
from freshet.store.edge import EdgeStore
from tests.unit.store.crash_material import INFO_DIMENSION, check_documents

INFO = CollectionInfo("m", "r", INFO_DIMENSION)
NEVER = 10**9
ENGINES, BUILD = 3, 2
"""Processes of a store with two partitions, and of an index build."""


def _start(folder: Path, index_after: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.unit.store.writer", str(folder), str(index_after)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _kill_after(child: subprocess.Popen[str], least: int) -> int:
    """Kill it once it acknowledged ``least``; the last number that it acknowledged."""
    assert child.stdout is not None
    last = -1
    for line in child.stdout:
        last = int(line)
        if last >= least:
            break
    child.kill()
    rest = child.stdout.read().splitlines()
    child.wait()
    child.stdout.close()
    whole = [int(line) for line in rest if line.isdigit()]
    return max([last, *whole[:-1]])


@pytest.mark.parametrize("least", [0, 7, 450, 2_600])
def test_every_acknowledged_write_is_there_after_kill(tmp_path: Path, least: int) -> None:
    folder = tmp_path / "store"
    acknowledged = _kill_after(_start(folder, NEVER), least)
    store = EdgeStore(StoreSettings(path=folder, index_in_background=False))
    store.open(INFO)
    check_documents(store, acknowledged)
    store.close()


@pytest.mark.parametrize("least", [900, 1_300, 1_700, 2_300])
def test_also_while_the_index_is_built_again_and_again(tmp_path: Path, least: int) -> None:
    folder = tmp_path / "store"
    acknowledged = _kill_after(_start(folder, 200), least)
    store = EdgeStore(StoreSettings(path=folder, index_in_background=False))
    store.open(INFO)
    check_documents(store, acknowledged)
    store.close()
    store.open(INFO)
    check_documents(store, acknowledged)
    store.close()


def test_the_engines_and_a_build_die_with_their_parent(tmp_path: Path) -> None:
    child = _start(tmp_path / "store", 200)
    assert child.stdout is not None
    parent = psutil.Process(child.pid)
    helpers: list[psutil.Process] = []
    for _ in child.stdout:
        helpers = parent.children(recursive=True)
        if len(helpers) >= ENGINES + BUILD:
            break
    # Not even one that cannot see that its parent is gone lives on.
    helpers[0].suspend()
    child.kill()
    child.stdout.close()
    child.wait()
    _, alive = psutil.wait_procs(helpers, timeout=10)
    assert alive == []


def test_a_crash_on_either_side_of_the_pointer_leaves_a_good_generation(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    deadline = time.monotonic() + 60
    acknowledged = _kill_after(_start(folder, NEVER), 400)
    for partition in sorted(folder.glob("chunks-*")):
        # As if killed while the child was copying, and before a file or the pointer was put in its place.
        (partition / "gen-2" / "segments").mkdir(parents=True)
        (partition / "gen-7.new").mkdir()
        (partition / "CURRENT.new").write_text("gen-2")
    store = EdgeStore(StoreSettings(path=folder, index_after=100, index_patience_s=0, index_poll_s=0.01))
    store.open(INFO)
    check_documents(store, acknowledged)
    while store.stats().indexed == 0:
        assert time.monotonic() < deadline
    check_documents(store, acknowledged)
    store.close()
    assert {entry.name for entry in folder.glob("chunks-0/*")} >= {"CURRENT"}
