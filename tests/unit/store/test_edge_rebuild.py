"""The index is built beside writes: what was changed meanwhile is there after, what was deleted is purged."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from freshet.errors import UnavailableError
from freshet.store import ChunkPoint, CollectionInfo, Head, StoreSettings
from freshet.store.edge import EdgeStore
from freshet.store.edge.copying import copy_folder
from freshet.store.edge.rebuild import Rebuild, due
from tests.unit.store.crash_material import (
    DOCUMENTS,
    INFO_DIMENSION,
    check_documents,
    document_name,
    until,
    vector_of,
    write_document,
    write_while,
)

INFO = CollectionInfo("m", "r", INFO_DIMENSION)


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(path=tmp_path / "store", index_in_background=False, partitions=1, index_patience_s=0)


@pytest.fixture
def store(settings: StoreSettings) -> Iterator[EdgeStore]:
    opened = EdgeStore(settings)
    opened.open(INFO)
    for number in range(DOCUMENTS):
        write_document(opened, document_name(number), 0)
    yield opened
    opened.close()


def _rebuild(store: EdgeStore, settings: StoreSettings) -> Rebuild:
    return Rebuild(store._partitions[0], store._lock, INFO_DIMENSION, settings)


def test_writes_and_deletes_during_a_build_are_in_the_new_generation(store: EdgeStore, settings: StoreSettings) -> None:
    outcome: list[bool] = []
    building = threading.Thread(target=lambda: outcome.append(_rebuild(store, settings).run()))
    building.start()
    number = write_while(building, store)
    assert outcome == [True]
    assert number > DOCUMENTS + 100
    assert store.stats().indexed >= DOCUMENTS
    check_documents(store, number - 1)
    store.close()
    assert [entry.name for entry in (settings.path / "chunks-0").glob("gen-*")] == ["gen-2"]
    store.open(INFO)
    check_documents(store, number - 1)


def test_deleted_points_are_purged(store: EdgeStore, settings: StoreSettings) -> None:
    _rebuild(store, settings).run()
    for number in range(DOCUMENTS, 2 * DOCUMENTS):
        write_document(store, document_name(number), 1)
    _rebuild(store, settings).run()
    stats = store.stats()
    assert stats.chunks == stats.indexed == 2 * DOCUMENTS
    vectors = list((settings.path / "chunks-0").glob("gen-*/segments/*/vector_storage/matrix.dat"))
    assert sum(file.stat().st_size for file in vectors) < 2 * DOCUMENTS * INFO_DIMENSION * 4 * 1.1
    check_documents(store, 2 * DOCUMENTS - 1)


def test_the_background_thread_starts_it_by_itself(store: EdgeStore, settings: StoreSettings) -> None:
    store.close()
    watched = EdgeStore(settings.model_copy(update={"index_in_background": True, "index_after": 100}))
    watched.open(INFO)
    until(lambda: watched.stats().indexed == 2 * DOCUMENTS)
    watched.close()


@pytest.mark.parametrize(
    ("total", "indexed", "deleted", "build"),
    [
        (0, 0, 0, False),
        (9_999, 0, 0, False),
        (10_000, 0, 0, True),
        (40_000, 27_000, 0, False),
        (40_000, 26_000, 0, True),
        (200, 200, 2_499, False),
        (200, 200, 2_500, True),
        (6_000, 6_000, 5_999, False),
        (6_000, 6_000, 6_000, True),
        (25_000, 25_000, 9_999, False),
        (25_000, 25_000, 10_000, True),
        (60_000, 60_000, 19_000, False),
        (60_000, 60_000, 20_000, True),
    ],
)
def test_when_a_build_is_due(total: int, indexed: int, deleted: int, build: bool) -> None:
    assert due(total, indexed, deleted, StoreSettings()) == build


def test_closing_ends_a_build_that_runs(store: EdgeStore, settings: StoreSettings) -> None:
    store.close()
    watched = EdgeStore(
        settings.model_copy(update={"index_in_background": True, "index_after": 1, "index_poll_s": 0.01})
    )
    watched.open(INFO)
    partition = watched._partitions[0]
    until(lambda: partition.journal is not None)
    watched.close()
    assert [entry.name for entry in (settings.path / "chunks-0").glob("gen-*")] == ["gen-1"]
    watched.open(INFO)
    check_documents(watched, DOCUMENTS - 1)
    watched.close()


def test_a_journal_that_grows_too_long_drops_the_build(store: EdgeStore, settings: StoreSettings) -> None:
    partition = store._partitions[0]
    partition._journal_limit = 3
    building = threading.Thread(target=_rebuild(store, settings).run)
    building.start()
    until(lambda: partition.journal is not None)
    for number in range(DOCUMENTS, DOCUMENTS + 5):
        write_document(store, document_name(number), 1)
    building.join()
    assert store.stats().indexed == 0
    check_documents(store, DOCUMENTS + 4)
    partition._journal_limit = 1_000
    assert _rebuild(store, settings).run()


def test_a_builder_that_fails_leaves_the_store_as_it_was(
    store: EdgeStore, settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UnavailableError, match="builds the store's index failed"):
        _rebuild(store, settings).run()
    check_documents(store, DOCUMENTS - 1)
    assert store._partitions[0].journal is None


def test_a_pointer_that_cannot_be_moved_keeps_the_old_generation(
    store: EdgeStore, settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._partitions[0].generations, "choose", fail)
    with pytest.raises(UnavailableError, match="No space left"):
        _rebuild(store, settings).run()
    assert store.stats().indexed == 0
    write_document(store, document_name(0), 1)
    check_documents(store, DOCUMENTS)


def test_no_build_begins_without_room_for_it(store: EdgeStore, settings: StoreSettings) -> None:
    with pytest.raises(UnavailableError, match="no room"):
        _rebuild(store, settings.model_copy(update={"disk_reserve": 2**62})).run()
    check_documents(store, DOCUMENTS - 1)


def test_copies_keep_bytes_and_holes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    with (source / "inner" / "sparse").open("wb") as file:
        file.truncate(32 << 20)
        file.seek(5 << 20)
        file.write(b"x" * 100_000)
    (source / "empty").touch()
    copy_folder(source, tmp_path / "target")
    copied = tmp_path / "target" / "inner" / "sparse"
    assert copied.read_bytes() == (source / "inner" / "sparse").read_bytes()
    assert copied.stat().st_blocks * 512 < 1 << 20
    assert (tmp_path / "target" / "empty").stat().st_size == 0


def test_a_search_beside_a_build_is_right_all_the_time(store: EdgeStore, settings: StoreSettings) -> None:
    building = threading.Thread(target=_rebuild(store, settings).run)
    building.start()
    version = 0
    while building.is_alive():
        version += 1
        vector = vector_of("flipping", 0, 0)
        chunk = ChunkPoint("flipping", version, 0, 0, str(version), vector, {})
        store.write([chunk], [Head("flipping", version, chunks=1)], {"flipping": version})
        best = store.search(vector, 3)
        assert [hit.version for hit in best if hit.document_id == "flipping"] == [version]
    building.join()
