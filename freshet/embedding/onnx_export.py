"""Runs a model's own ONNX export: token vectors out of the graph, pooled and normalised here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from freshet.embedding.encoder import session_options
from freshet.embedding.model_folder import ModelFolder
from freshet.embedding.tokens import ModelTokens
from freshet.errors import RejectedRecord, UsageError

_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_VALUES = {"input_ids": None, "attention_mask": 1, "token_type_ids": 0}
"""What each input is filled with; a text runs alone and unpadded, so there is one value for all its tokens."""


class OnnxExportEngine:
    """Safe to call from several threads. Vectors are L2-normalised whether or not the model has a Normalize module:
    an Embedder's always are."""

    def __init__(self, folder: ModelFolder, threads: int) -> None:
        """Blocks for the loading. Raises UsageError for a graph that is not a sentence-transformers export."""
        if folder.onnx is None or folder.pooling is None:
            raise UsageError(f"{folder.path} cannot be run as ONNX", "no export, or a pooling other than mean and cls")
        try:
            self._session = ort.InferenceSession(
                str(folder.onnx), session_options(threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions have no common base
            raise UsageError(f"Cannot load {folder.onnx}", str(error), "Fetch or export the model again") from error
        inputs = {each.name: each.type for each in self._session.get_inputs()}
        hidden = [each for each in self._session.get_outputs() if len(each.shape) == 3]
        if "input_ids" not in inputs or set(inputs) - set(_VALUES) or not hidden:
            detail = f"inputs {sorted(inputs)}, {len(hidden)} outputs of token vectors"
            raise UsageError(f"{folder.onnx} is not a text encoder that Freshet can run", detail)
        self._inputs = {name: _INTEGERS[kind] for name, kind in inputs.items()}
        self._output = hidden[0].name
        self._mean = folder.pooling == "mean"
        self._lower_case = folder.lower_case
        self.tokens = ModelTokens(folder.tokenizer)
        self.max_tokens = folder.max_tokens
        self.revision = folder.revision("onnx")
        self.dimension = self._vector(self.tokens.encode([""], self.max_tokens)[0]).shape[0]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As Embedder.embed."""
        return self.embed_rows(self.tokens.encode(self._cased(texts), self.max_tokens))

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """As ModelEmbedder.encode."""
        return self.tokens.encode(self._cased(texts), None)

    def embed_rows(self, rows: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """As ModelEmbedder.embed_rows."""
        vectors = np.empty((len(rows), self.dimension), np.float32)
        for index, row in enumerate(rows):
            vectors[index] = self._vector(row)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        if not np.isfinite(vectors).all():
            raise RejectedRecord("bad-vector", "the model returned NaN or infinity")
        return vectors

    def _cased(self, texts: Sequence[str]) -> list[str]:
        return [text.lower() for text in texts] if self._lower_case else list(texts)

    def _vector(self, row: NDArray[np.int32]) -> NDArray[np.float32]:
        feed = {}
        for name, kind in self._inputs.items():
            value = _VALUES[name]
            feed[name] = row[None].astype(kind) if value is None else np.full((1, len(row)), value, kind)
        hidden = self._session.run([self._output], feed)[0][0]
        vector: NDArray[np.float32] = hidden.mean(axis=0) if self._mean else hidden[0]
        return vector.astype(np.float32, copy=False)
