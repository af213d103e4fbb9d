"""Each shard has a process of its own. It may be killed at any time: a call fails, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from freshet.errors import UnavailableError, UsageError
from freshet.store import CollectionInfo, Head, StoreSettings
from freshet.store.edge import EdgeStore, client
from freshet.store.edge.client import ShardClient
from freshet.store.edge.generation import Generation
from freshet.store.edge.rebuild import Rebuild
from tests.unit.store.crash_material import (
    DOCUMENTS,
    INFO_DIMENSION,
    check_documents,
    document_name,
    until,
    vector_of,
    write_document,
)

INFO = CollectionInfo("m", "r", INFO_DIMENSION)
PATIENCE_S = 60.0


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(path=tmp_path / "store", index_in_background=False, index_patience_s=0)


@pytest.fixture
def store(settings: StoreSettings) -> Iterator[EdgeStore]:
    opened = EdgeStore(settings)
    opened.open(INFO)
    yield opened
    opened.close()


def _clients(store: EdgeStore) -> list[ShardClient]:
    assert store._heads is not None
    return [*(partition.serving for partition in store._partitions), store._heads]


def _kill(one: ShardClient) -> None:
    """As the system does for want of memory; the store is not told."""
    os.kill(one.pid, signal.SIGKILL)


def test_the_process_of_the_store_loads_no_engine(settings: StoreSettings) -> None:
    code = (
        "import pathlib, sys, tests.unit.store.crash_material as m; from freshet.store import *\n"
        "store = open_store(StoreSettings(path=pathlib.Path(sys.argv[1])))\n"
        "store.open(CollectionInfo('m', 'r', m.INFO_DIMENSION))\n"
        "m.write_document(store, 'doc-0', 0); m.check_documents(store, 0); store.close()\n"
        "assert 'qdrant_edge' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(settings.path)], check=True)


def test_the_processes_are_told_apart_by_their_command(store: EdgeStore) -> None:
    commands = [" ".join(psutil.Process(one.pid).cmdline()[2:]) for one in _clients(store)]
    module = "freshet.store.edge.shard_process"
    assert commands[0].startswith(f"{module} chunks {store._root}/chunks-0/gen-1")
    assert commands[2].startswith(f"{module} heads {store._root}/heads")


def test_they_leave_it_to_the_store_to_heed_the_terminal(store: EdgeStore) -> None:
    pids = [one.pid for one in _clients(store)]
    for pid in pids:
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, ignored)
    write_document(store, document_name(0), 0)
    check_documents(store, 0)
    assert [one.pid for one in _clients(store)] == pids


def test_one_that_died_between_calls_is_started_again_by_the_next(store: EdgeStore) -> None:
    for number in range(40):
        write_document(store, document_name(number), 0)
    for one in _clients(store):
        _kill(one)
        until(lambda one=one: not one.alive)  # type: ignore[misc]
    check_documents(store, 39)
    write_document(store, document_name(40), 0)
    check_documents(store, 40)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_call_whose_process_dies_says_so_and_the_same_write_again_succeeds(store: EdgeStore, place: int) -> None:
    victim = _clients(store)[place]
    os.kill(victim.pid, signal.SIGSTOP)
    failures: list[UnavailableError] = []

    def write() -> None:
        for number in range(40):
            while True:
                try:
                    write_document(store, document_name(number), 0)
                    break
                except UnavailableError as error:
                    failures.append(error)

    writing = threading.Thread(target=write)
    writing.start()
    until(lambda: psutil.Process(victim.pid).status() == psutil.STATUS_STOPPED)
    _kill(victim)
    writing.join()
    assert all("killed by SIGKILL" in failure.detail for failure in failures)
    assert all("nothing that was acknowledged is lost" in failure.remedy for failure in failures)
    check_documents(store, 39)


def test_one_that_keeps_dying_is_given_time(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT_S", 1.0)
    write_document(store, document_name(0), 0)
    heads = _clients(store)[2]
    _kill(heads)
    until(lambda: not heads.alive)
    assert store.heads(["doc-0"])
    _kill(heads)
    until(lambda: not heads.alive)
    for _ in range(3):
        with pytest.raises(UnavailableError, match="2 times in a row") as caught:
            store.heads(["doc-0"])
        assert "it is started again in" in caught.value.remedy

    def back() -> bool:
        try:
            return bool(store.heads(["doc-0"]))
        except UnavailableError:
            return False

    until(back)
    check_documents(store, 0)


def test_a_process_that_cannot_be_started(settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/bin/false")
        with pytest.raises(UnavailableError, match="exit code 1"):
            EdgeStore(settings).open(INFO)
    store = EdgeStore(settings)
    store.open(INFO)
    store.close()


def test_damage_found_when_it_is_started_again(store: EdgeStore) -> None:
    write_document(store, document_name(0), 0)
    shard = store._partitions[0].serving
    _kill(shard)
    until(lambda: not shard.alive)
    (shard.folder / "edge_config.json").write_text("nonsense")
    with pytest.raises(UsageError, match="damaged"):
        store.search(vector_of("doc-0", 0, 0), 1)


def test_no_two_engines_open_one_folder(store: EdgeStore) -> None:
    former = store._partitions[0].serving
    with store._lock, ThreadPoolExecutor(1) as starter:
        successor = Generation(starter, former.folder)
        waiting = threading.Thread(target=successor.ready)
        waiting.start()
        until(lambda: _has_open(successor.pid, former.folder))
        assert waiting.is_alive()
        _kill(former)
        waiting.join()
        assert successor.counts().answer() == (0, 0)
        successor.kill()


def _has_open(pid: int, folder: Path) -> bool:
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(handle) == str(folder):
                return True
    return False


def test_documents_are_counted_as_they_come_and_go(store: EdgeStore) -> None:
    def counted() -> tuple[int, int]:
        stats = store.stats()
        return stats.documents, stats.tombstones

    assert counted() == (0, 0)
    for number in range(5):
        write_document(store, document_name(number), 1)
    write_document(store, document_name(0), 2)
    write_document(store, document_name(1), 0)
    store.write([], [Head("doc-2", 2, deleted=True), Head("doc-9", -1), Head("never", 1, deleted=True)], {})
    assert counted() == (4, 2)
    store.write([], [Head("doc-2", 3, chunks=0), Head("never", 1, deleted=True)], {})
    assert counted() == (5, 1)
    _kill(_clients(store)[2])
    until(lambda: not _clients(store)[2].alive)
    assert counted() == (5, 1)


def test_a_build_beside_which_the_engine_died_is_dropped(store: EdgeStore, settings: StoreSettings) -> None:
    for number in range(DOCUMENTS):
        write_document(store, document_name(number), 0)
    partition = store._partitions[0]
    outcome: list[bool] = []
    rebuild = Rebuild(partition, store._lock, INFO_DIMENSION, settings)
    building = threading.Thread(target=lambda: outcome.append(rebuild.run()))
    building.start()
    until(lambda: partition.journal is not None)
    engine = partition.serving
    _kill(engine)
    until(lambda: not engine.alive)
    store.stats()
    assert engine.starts == 2
    write_document(store, document_name(DOCUMENTS), 1)
    building.join()
    assert outcome == [False]
    check_documents(store, DOCUMENTS)
    assert Rebuild(partition, store._lock, INFO_DIMENSION, settings).run()
    check_documents(store, DOCUMENTS)


def test_closing_a_store_whose_engines_died(settings: StoreSettings) -> None:
    store = EdgeStore(settings)
    store.open(INFO)
    write_document(store, document_name(0), 0)
    for one in _clients(store):
        _kill(one)
    store.close()
    store.open(INFO)
    check_documents(store, 0)
    store.close()


def test_any_process_killed_at_any_time_beside_writes_and_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LONGEST_WAIT_S", 0.05)
    settings = StoreSettings(
        path=tmp_path / "store", index_after=150, index_ratio=0.01, index_poll_s=0.01, index_patience_s=0
    )
    store = EdgeStore(settings)
    store.open(INFO)
    choose = random.Random(5)
    number = failed = kills = 0
    deadline = time.monotonic() + 2 * PATIENCE_S
    while kills < 12 or number < 4 * DOCUMENTS:
        assert time.monotonic() < deadline, (number, failed, kills)
        if number >= (kills + 1) * 100:
            kills += 1
            _kill_any(choose)
        try:
            write_document(store, document_name(number), number // DOCUMENTS)
            number += 1
        except UnavailableError:
            failed += 1
    until(lambda: _well(store))
    check_documents(store, number - 1)
    store.close()
    store.open(INFO)
    check_documents(store, number - 1)
    store.close()


def _kill_any(choose: random.Random) -> None:
    """One of the shards' processes, or of those that build, whichever it is."""
    processes = []
    for one in psutil.Process().children():
        with suppress(psutil.ZombieProcess):
            if "freshet.store.edge" in " ".join(one.cmdline()):
                processes.append(one)
    choose.choice(processes).kill()


def _well(store: EdgeStore) -> bool:
    try:
        store.stats()
    except UnavailableError:
        return False
    return True
