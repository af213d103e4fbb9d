"""The model is watched, and only the one that was meant is served."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import REGISTRY

from freshet.embedding import ModelSettings, load_embedder
from freshet.errors import UsageError
from freshet.stack.process import wait_until
from inference.pins import check_files, check_revision
from inference.service import load_model
from inference.settings import InferenceSettings
from inference.watch import QualityWatch
from tests.unit.inference.conftest import Serve
from tests.unit.inference.double import HashModel


def test_drift_turns_readiness_off_and_raises_a_metric_until_it_is_gone(serve: Serve) -> None:
    served = serve(probe_seconds=0.02)
    served.model.spoilt = True
    wait_until(lambda: served.client.get("/readyz").status_code == 503, "drift is seen", 10)
    assert "cosine" in served.client.get("/readyz").json()["why"]
    assert REGISTRY.get_sample_value("freshet_inference_drifted") == 1
    assert served.client.get("/healthz").status_code == 200
    served.model.spoilt = False
    wait_until(lambda: served.client.get("/readyz").status_code == 200, "it is well again", 10)
    assert REGISTRY.get_sample_value("freshet_inference_drifted") == 0


def test_references_outlive_the_process(tmp_path: Path) -> None:
    QualityWatch(HashModel(), tmp_path, 0.98, 60)
    spoilt = HashModel()
    spoilt.spoilt = True
    watch = QualityWatch(spoilt, tmp_path, 0.98, 60)
    assert watch.look() < 0.98
    assert watch.drift


def test_a_model_that_fails_is_drift_and_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = HashModel()
    watch = QualityWatch(model, tmp_path, 0.98, 60)
    monkeypatch.setattr(model, "embed_rows", lambda rows: np.full((len(rows), model.dimension), np.nan, np.float32))
    assert watch.look() == -1
    assert "NaN" in watch.drift


def test_references_of_another_shape_refuse_to_start(tmp_path: Path) -> None:
    np.save(tmp_path / "r1.npy", np.ones((2, 3)))
    with pytest.raises(UsageError, match="no references"):
        QualityWatch(HashModel(), tmp_path, 0.98, 60)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_the_packaged_model_is_near_its_packaged_references(precision: str, tmp_path: Path) -> None:
    model = load_embedder(ModelSettings(precision=precision))  # type: ignore[arg-type]
    watch = QualityWatch(model, tmp_path, InferenceSettings().probe_cosine, 60)
    assert watch.look() >= (0.985 if precision == "int8" else 0.9999)
    assert not list(tmp_path.iterdir())


def test_files_are_pinned(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    right = hashlib.sha256(b"weights").hexdigest()
    check_files(tmp_path, {"model.onnx": right.upper()})
    with pytest.raises(UsageError, match="not the pinned file"):
        check_files(tmp_path, {"model.onnx": "0" * 64})
    with pytest.raises(UsageError, match="no file"):
        check_files(tmp_path, {"tokenizer.json": right})


def test_another_revision_than_the_pinned_refuses_to_start() -> None:
    check_revision("r1", None)
    check_revision("r1", "r1")
    with pytest.raises(UsageError, match="pinned"):
        check_revision("r1", "r2")
    with pytest.raises(UsageError, match="pinned"):
        load_model(InferenceSettings(revision="0" * 12), ModelSettings())
