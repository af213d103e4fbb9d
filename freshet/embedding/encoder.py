"""Runs a graph that does its own pooling: token ids in, finished vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from freshet.embedding.tokens import ModelTokens
from freshet.errors import RejectedRecord


def session_options(threads: int) -> ort.SessionOptions:
    """Few threads and none that spin while idle: the broker and the store share the cores."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


class EncoderEngine:
    """The packaged model. Safe to call from several threads.

    Texts run one by one. On a CPU a batch is no cheaper per text, and a dynamically quantised layer takes its scale
    from all rows at once, so that in a batch a text's vector would depend on its neighbours and a replay would differ.
    """

    def __init__(self, graph: Path | bytes, tokens: ModelTokens, max_tokens: int, threads: int) -> None:
        options = session_options(threads)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.tokens = tokens
        self.max_tokens = max_tokens
        self.dimension = int(self._session.get_outputs()[0].shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As Embedder.embed."""
        return self.embed_rows(self.tokens.encode(list(texts), self.max_tokens))

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """As ModelEmbedder.encode."""
        return self.tokens.encode(list(texts), None)

    def embed_rows(self, rows: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """As ModelEmbedder.embed_rows."""
        vectors = np.empty((len(rows), self.dimension), np.float32)
        for index, row in enumerate(rows):
            vectors[index] = self._session.run(None, {"input_ids": row[None]})[0][0]
        if not np.isfinite(vectors).all():
            raise RejectedRecord("bad-vector", "the model returned NaN or infinity")
        return vectors
