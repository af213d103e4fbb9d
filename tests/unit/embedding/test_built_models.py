from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from freshet.embedding.built_models import BuiltModels


def never() -> bytes:
    raise AssertionError("built although it was there")


def content(found: Path | bytes) -> bytes:
    return found if isinstance(found, bytes) else found.read_bytes()


def test_it_is_built_once(tmp_path: Path) -> None:
    models = BuiltModels(tmp_path / "new" / "folder")
    assert content(models.load("key", lambda: b"graph")) == b"graph"
    assert content(models.load("key", never)) == b"graph"


@pytest.mark.parametrize("damage", [b"grapH", b"", b"graph and more"])
def test_a_damaged_file_is_built_again(tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    models = BuiltModels(tmp_path)
    models.load("key", lambda: b"graph")
    (tmp_path / "key.onnx").write_bytes(damage)
    assert content(models.load("key", lambda: b"graph")) == b"graph"
    assert "damaged" in caplog.text
    assert content(models.load("key", never)) == b"graph"


def test_a_file_without_its_digest_is_built_again(tmp_path: Path) -> None:
    (tmp_path / "key.onnx").write_bytes(b"half a gra")
    assert content(BuiltModels(tmp_path).load("key", lambda: b"graph")) == b"graph"


def test_two_at_once_build_once(tmp_path: Path) -> None:
    built: list[int] = []
    inside = threading.Event()

    def build() -> bytes:
        built.append(1)
        inside.wait(0.2)
        return b"graph"

    threads = [threading.Thread(target=BuiltModels(tmp_path).load, args=("key", build)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_a_folder_that_cannot_be_written_costs_a_build_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert BuiltModels(tmp_path / "file").load("key", lambda: b"graph") == b"graph"
    assert "FRESHET_MODEL_CACHE" in caplog.text


def test_a_full_disk_costs_a_build_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert content(BuiltModels(tmp_path).load("key", lambda: b"graph")) == b"graph"
    assert not [file for file in tmp_path.iterdir() if "partial" in file.name]
