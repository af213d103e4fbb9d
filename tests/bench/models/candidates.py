"""What is compared: each opens an engine that turns rows of token ids into vectors."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from freshet.embedding import ModelSettings, load_embedder
from freshet.embedding.minilm import load_minilm
from freshet.embedding.model_folder import read_model_folder
from freshet.embedding.packaged import packaged_file
from freshet.embedding.torch_engine import TorchEngine
from inference.model import Row


class Runs(Protocol):
    def embed_rows(self, rows: Sequence[Row]) -> NDArray[np.float32]: ...


class OpenVino:
    """The fp32 graph in OpenVINO, with its hint for the precision of the computation."""

    def __init__(self, hint: str) -> None:
        library: Any = importlib.import_module("openvino")
        settings = ModelSettings(precision="fp32")
        load_minilm(settings, lambda stage, share: None)
        path = sorted(settings.cache_dir.glob("all-MiniLM-L6-v2-fp32-*.onnx"))[-1]
        options = {
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": hint,
        }
        self._model = library.Core().compile_model(str(path), "CPU", options)
        self._request = self._model.create_infer_request()

    def embed_rows(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        found = [next(iter(self._request.infer([row[None]]).values()))[0].copy() for row in rows]
        vectors = np.stack(found).astype(np.float32)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def _freshet(precision: Any) -> Runs:
    return load_embedder(ModelSettings(precision=precision))


def _torch() -> Runs:
    return TorchEngine(read_model_folder(packaged_file("model/config.json").parent), threads=1)


CANDIDATES: dict[str, tuple[str, Callable[[], Runs]]] = {
    "fp32": ("ONNX Runtime fp32", lambda: _freshet("fp32")),
    "int8": ("ONNX Runtime int8", lambda: _freshet("int8")),
    "openvino-bf16": ("OpenVINO, bf16 hint", lambda: OpenVino("bf16")),
    "openvino-f32": ("OpenVINO, fp32", lambda: OpenVino("f32")),
    "torch": ("sentence-transformers, torch fp32", _torch),
}
"""By name: what it is, and how it opens. The first is the reference of the others."""
