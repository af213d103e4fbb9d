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
    """Runs where the folder has no ONNX export, or pools in a way of its own. Texts run one by one, unpadded."""

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
        self._model = library.SentenceTransformer(str(folder.path), device="cpu")
        self.tokens = ModelTokens(folder.tokenizer)
        self.max_tokens = folder.max_tokens
        self.revision = folder.revision("torch")
        self.dimension = int(self._model.get_sentence_embedding_dimension())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As Embedder.embed."""
        wanted = list(texts)
        self.tokens.encode(wanted, self.max_tokens)
        vectors = np.empty((len(wanted), self.dimension), np.float32)
        for index, text in enumerate(wanted):
            vectors[index] = self._model.encode(
                text, convert_to_numpy=True, normalize_embeddings=True, show_progress_bar=False
            )
        if not np.isfinite(vectors).all():
            raise RejectedRecord("bad-vector", "the model returned NaN or infinity")
        return vectors
