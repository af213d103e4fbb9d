"""Any other sentence-transformers model, through that library and PyTorch: the optional ``torch`` extra."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freshet.embedding.model_folder import ModelFolder
from freshet.embedding.tokens import ModelTokens
from freshet.errors import RejectedRecord, UsageError


class TorchEngine:
    """Runs where the folder has no ONNX export, or pools in a way of its own; on a GPU where there is one.

    Texts run one by one, unpadded.
    """

    def __init__(self, folder: ModelFolder, threads: int) -> None:
        """Blocks for importing torch and loading, seconds. Raises UsageError without the ``torch`` extra."""
        try:
            library = importlib.import_module("sentence_transformers")
            torch = importlib.import_module("torch")
        except ImportError as error:
            detail = f"it has no onnx/model.onnx with mean or cls pooling, and {error}"
            remedy = "Install freshet[torch], or export the model with optimum-cli to onnx/model.onnx in its folder"
            raise UsageError(f"{folder.path} cannot be run here", detail, remedy) from error
        torch.set_num_threads(threads)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = library.SentenceTransformer(str(folder.path), device=device).eval()
        self._torch = torch
        self._lower_case = folder.lower_case
        self.tokens = ModelTokens(folder.tokenizer)
        self.max_tokens = folder.max_tokens
        self.revision = folder.revision(f"torch-{device}")
        self.dimension = int(self._model.get_sentence_embedding_dimension())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As Embedder.embed."""
        return self.embed_rows(self.tokens.encode(self._cased(texts), self.max_tokens))

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """As ModelEmbedder.encode."""
        return self.tokens.encode(self._cased(texts), None)

    def embed_rows(self, rows: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """As ModelEmbedder.embed_rows."""
        vectors = np.empty((len(rows), self.dimension), np.float32)
        with self._torch.inference_mode():
            for index, row in enumerate(rows):
                ids = self._torch.from_numpy(row[None].astype(np.int64)).to(self._model.device)
                features = {"input_ids": ids, "attention_mask": self._torch.ones_like(ids)}
                vectors[index] = self._model(features)["sentence_embedding"][0].float().cpu().numpy()
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        if not np.isfinite(vectors).all():
            raise RejectedRecord("bad-vector", "the model returned NaN or infinity")
        return vectors

    def _cased(self, texts: Sequence[str]) -> list[str]:
        return [text.lower() for text in texts] if self._lower_case else list(texts)
