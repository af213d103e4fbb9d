"""The logs are cut beside the writers, and nothing is lost by that."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from freshet.store import CollectionInfo, StoreSettings
from freshet.store.edge import EdgeStore, checkpoints
from freshet.store.edge.rebuild import Rebuild
from tests.unit.store.crash_material import (
    DOCUMENTS,
    INFO_DIMENSION,
    check_documents,
    document_name,
    write_document,
    write_while,
)

INFO = CollectionInfo("m", "r", INFO_DIMENSION)


def _until_flushed(store: EdgeStore, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    assert store._heads is not None
    logs: list[checkpoints.Flushable] = [*store._partitions, store._heads]
    while any(log.unflushed >= checkpoints.FLUSH_AFTER for log in logs):
        assert time.monotonic() < deadline, "not within its time"
        pause.wait(0.02)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "FLUSH_AFTER", 5)
    monkeypatch.setattr(checkpoints, "_LOOK_S", 0.005)


@pytest.mark.usefixtures("hasty")
def test_writes_searches_and_builds_go_on_beside_the_flushes(tmp_path: Path) -> None:
    settings = StoreSettings(path=tmp_path / "store", index_in_background=False, partitions=2, index_patience_s=0)
    store = EdgeStore(settings)
    store.open(INFO)
    for number in range(DOCUMENTS):
        write_document(store, document_name(number), 0)
    outcome: list[bool] = []
    build = Rebuild(store._partitions[0], store._lock, INFO_DIMENSION, settings)
    building = threading.Thread(target=lambda: outcome.append(build.run()))
    building.start()
    number = write_while(building, store)
    assert outcome == [True]
    _until_flushed(store)
    check_documents(store, number - 1)
    store.close()
    store.open(INFO)
    check_documents(store, number - 1)
    store.close()


def test_no_flush_cuts_the_log_while_the_files_are_copied(tmp_path: Path) -> None:
    store = EdgeStore(StoreSettings(path=tmp_path / "store", index_in_background=False, partitions=1))
    store.open(INFO)
    write_document(store, document_name(0), 0)
    partition = store._partitions[0]
    with store._lock:
        partition.begin()
        partition.checkpoint(1)
        assert partition.unflushed > 0
        partition.abandon()
        partition.checkpoint(1)
        assert partition.unflushed == 0
    store.close()
