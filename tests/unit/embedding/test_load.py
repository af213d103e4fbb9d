from __future__ import annotations

import json
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from freshet.embedding import ModelEmbedder, ModelSettings, load_embedder, packaged
from freshet.embedding.load import _engines
from freshet.errors import RejectedRecord, UsageError


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    load_embedder(ModelSettings(cache_dir=tmp_path), lambda stage, fraction: told.append((stage, fraction)))
    assert told[-1] == ("model ready", 1.0)
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert any("building" in stage for stage, _ in told)


def test_equal_settings_share_one_model(int8: ModelEmbedder) -> None:
    before = len(_engines)
    assert load_embedder().revision == int8.revision
    assert len(_engines) == before


def test_it_loads_where_it_is_first_used(tmp_path: Path) -> None:
    settings = ModelSettings(cache_dir=tmp_path / "other")
    embedder = ModelEmbedder(settings)
    assert settings not in _engines
    assert embedder.model == settings.name
    assert settings not in _engines
    assert embedder.dimension == 384
    assert settings in _engines


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings(name="/no/such/folder"),
        ModelSettings(name="./missing"),
        ModelSettings(threads=0),
        ModelSettings(precision="int4"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_loaded_says_what_to_do(settings: ModelSettings) -> None:
    with pytest.raises(UsageError) as caught:
        load_embedder(settings)
    assert caught.value.what
    assert caught.value.detail
    assert caught.value.remedy


def test_a_hub_name_that_cannot_be_fetched_lists_what_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = ModuleType("huggingface_hub")

    def snapshot_download(*_: object, **__: object) -> str:
        raise OSError("no route to host")

    hub.snapshot_download = snapshot_download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    with pytest.raises(UsageError) as caught:
        load_embedder(ModelSettings(name="someone/some-model"))
    assert "no route to host" in caught.value.detail
    assert "all-MiniLM-L6-v2" in caught.value.remedy


@pytest.mark.parametrize("name", ["WEIGHTS_SHA256", "TOKENIZER_SHA256"])
def test_files_that_are_not_upstreams_are_refused(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packaged, name, "0" * 64)
    with pytest.raises(UsageError, match="not the published one"):
        load_embedder(ModelSettings(cache_dir=tmp_path))


def test_a_missing_wheel_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packaged, "DISTRIBUTION", "no_such_distribution")
    with pytest.raises(UsageError, match="not installed"):
        load_embedder(ModelSettings(cache_dir=tmp_path))


def torch_folder(folder: Path) -> Path:
    """A model without an ONNX export."""
    folder.mkdir()
    shutil.copy(packaged.checked_tokenizer(), folder / "tokenizer.json")
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 16}))
    return folder


def test_without_torch_the_remedy_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UsageError) as caught:
        load_embedder(ModelSettings(name=str(torch_folder(tmp_path / "model"))))
    assert "freshet[torch]" in caught.value.remedy


class StandInTensor:
    """As much of a tensor as the engine touches."""

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.values = values

    def to(self, device: str) -> StandInTensor:
        return self

    float = cpu = lambda self: self

    def numpy(self) -> NDArray[np.float32]:
        return self.values


class StandInModel:
    """Twice the first unit vector for an even number of tokens, else twice the second."""

    device = "cpu"

    def __init__(self, path: str, device: str) -> None:
        assert device == self.device

    def eval(self) -> StandInModel:
        return self

    def get_sentence_embedding_dimension(self) -> int:
        return 4

    def __call__(self, features: dict[str, StandInTensor]) -> dict[str, list[StandInTensor]]:
        even = features["input_ids"].values.shape[1] % 2 == 0
        return {"sentence_embedding": [StandInTensor(np.array([2 * even, 2 * (not even), 0, 0], np.float32))]}


def test_sentence_transformers_runs_what_has_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a stand-in for the library: the real one needs PyTorch."""
    library, torch = ModuleType("sentence_transformers"), ModuleType("torch")
    library.SentenceTransformer = StandInModel  # type: ignore[attr-defined]
    torch.__dict__.update(
        set_num_threads=lambda count: None,
        cuda=SimpleNamespace(is_available=lambda: False),
        inference_mode=nullcontext,
        from_numpy=StandInTensor,
        ones_like=lambda tensor: tensor,
    )
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    monkeypatch.setitem(sys.modules, "torch", torch)
    embedder = load_embedder(ModelSettings(name=str(torch_folder(tmp_path / "model"))))
    assert (embedder.dimension, embedder.max_tokens) == (4, 16)
    np.testing.assert_array_equal(embedder.embed(["word", "word word"]), [[0, 1, 0, 0], [1, 0, 0, 0]])
    with pytest.raises(RejectedRecord):
        embedder.embed(["word " * 20])


def test_a_folder_that_does_not_say_its_length_is_refused(tmp_path: Path) -> None:
    folder = torch_folder(tmp_path / "model")
    (folder / "sentence_bert_config.json").unlink()
    with pytest.raises(UsageError, match="how long"):
        load_embedder(ModelSettings(name=str(folder)))
