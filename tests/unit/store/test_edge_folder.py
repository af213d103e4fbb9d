"""The folder has one owner; damage, missing rights and a full disk are told in words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from freshet.errors import UnavailableError, UsageError
from freshet.store import CollectionInfo, StoreSettings
from freshet.store.edge import EdgeStore
from tests.unit.store.crash_material import INFO_DIMENSION, check_documents, write_document

INFO = CollectionInfo("m", "r", INFO_DIMENSION)


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(path=tmp_path / "store", index_in_background=False)


def _opened(settings: StoreSettings) -> EdgeStore:
    store = EdgeStore(settings)
    store.open(INFO)
    return store


def test_a_second_owner_is_told_who_the_first_is(settings: StoreSettings) -> None:
    store = _opened(settings)
    code = (
        "import sys, pathlib; from freshet.store import *;"
        "open_store(StoreSettings(path=pathlib.Path(sys.argv[1]))).open(CollectionInfo('m', 'r', 32))"
    )
    other = subprocess.run([sys.executable, "-c", code, str(settings.path)], capture_output=True, text=True)
    assert other.returncode == 1
    assert f"process {os.getpid()} owns it" in other.stderr
    with pytest.raises(UsageError, match=f"process {os.getpid()}"):
        EdgeStore(settings).open(INFO)
    with pytest.raises(UsageError, match="already open"):
        store.open(INFO)
    store.close()
    _opened(settings).close()


def test_a_file_in_the_folders_place(settings: StoreSettings) -> None:
    settings.path.write_text("not a folder")
    with pytest.raises((UsageError, UnavailableError), match="cannot use the store folder"):
        EdgeStore(settings).open(INFO)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission(settings: StoreSettings) -> None:
    settings.path.mkdir(mode=0o500)
    with pytest.raises(UsageError, match="permission"):
        EdgeStore(settings).open(INFO)


@pytest.mark.parametrize(
    "damage", ["layout.json", "heads", "chunks-0", "chunks-1/CURRENT", "chunks-0/gen-1", "segments", "config"]
)
def test_damage_is_refused_and_nothing_is_made_over_it(settings: StoreSettings, damage: str) -> None:
    store = _opened(settings)
    for number in range(40):
        write_document(store, f"doc-{number}", 0)
    store.close()
    root = settings.path
    if damage == "segments":
        for file in root.glob("chunks-0/gen-1/segments/*/segment.json"):
            file.write_text("{")
    elif damage == "config":
        (root / "chunks-0/gen-1/edge_config.json").write_text("nonsense")
    elif (root / damage).is_dir():
        shutil.rmtree(root / damage)
    else:
        (root / damage).unlink()
    with pytest.raises(UsageError, match="damaged") as caught:
        EdgeStore(settings).open(INFO)
    assert "--rebuild" in caught.value.remedy


def test_a_format_of_the_future(settings: StoreSettings) -> None:
    _opened(settings).close()
    (settings.path / "layout.json").write_text('{"format": 99, "partitions": 2}')
    with pytest.raises(UsageError, match="format 99"):
        EdgeStore(settings).open(INFO)


def test_an_almost_full_disk_takes_no_write_and_acknowledges_none(settings: StoreSettings) -> None:
    store = _opened(settings)
    write_document(store, "doc-0", 0)
    store.close()
    full = _opened(settings.model_copy(update={"disk_reserve": 2**62}))
    with pytest.raises(UnavailableError, match="almost full"):
        write_document(full, "doc-0", 1)
    check_documents(full, 0)
    full.close()


def test_a_killed_creation_is_begun_again(settings: StoreSettings) -> None:
    _opened(settings).close()
    (settings.path / "layout.json").unlink()
    shutil.rmtree(settings.path / "heads")
    store = _opened(settings)
    write_document(store, "doc-0", 0)
    check_documents(store, 0)
    store.close()


def test_the_number_of_partitions_is_fixed_when_created(settings: StoreSettings) -> None:
    store = _opened(settings)
    for number in range(20):
        write_document(store, f"doc-{number}", 0)
    store.close()
    store = _opened(settings.model_copy(update={"partitions": 5}))
    check_documents(store, 19)
    store.close()
