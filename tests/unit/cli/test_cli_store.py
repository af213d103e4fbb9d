from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from freshet.cli.main import app
from freshet.embedding.load import load_embedder
from freshet.errors import RevisionMismatch
from freshet.settings import model_settings
from freshet.store import CollectionInfo, StoreSettings, open_store


def create(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["store", "create", *arguments])


def test_the_collection_is_made_for_the_model_and_made_again_without_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRESHET_STORE_PATH", str(tmp_path / "store"))
    assert "freshet holds vectors of sentence-transformers/all-MiniLM-L6-v2" in create().output
    answer = json.loads(create("--json").output)
    assert answer["revision"] == load_embedder(model_settings()).revision
    store = open_store(StoreSettings())
    with pytest.raises(RevisionMismatch):
        store.open(CollectionInfo("another", "1", 384))
    store.close()


def test_an_authority_that_cannot_be_read_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHET_STORE_URL", "https://127.0.0.1:1")
    monkeypatch.setenv("FRESHET_STORE_CA", str(tmp_path / "none"))
    result = create()
    assert result.exit_code == 1
    assert "FRESHET_STORE_CA" in result.output
