"""Settings to a ready embedder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freshet.embedding.hub import find_model
from freshet.embedding.minilm import load_minilm
from freshet.embedding.model_folder import read_model_folder
from freshet.embedding.onnx_export import OnnxExportEngine
from freshet.embedding.settings import PACKAGED_MODEL, ModelSettings
from freshet.embedding.tokens import ModelTokens
from freshet.embedding.torch_engine import TorchEngine
from freshet.errors import UsageError

Progress = Callable[[str, float], None]


class Engine(Protocol):
    """What a loaded model offers; Embedder adds its name and the pickling."""

    revision: str
    dimension: int
    max_tokens: int
    tokens: ModelTokens

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]: ...

    def embed_rows(self, rows: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]: ...


_engines: dict[ModelSettings, Engine] = {}
_loading = threading.Lock()


class ModelEmbedder:
    """An Embedder that is its settings until first used. All with equal settings in one process share one model."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings

    def __reduce__(self) -> tuple[type[ModelEmbedder], tuple[ModelSettings]]:
        return ModelEmbedder, (self.settings,)

    @property
    def model(self) -> str:
        return self.settings.name

    @property
    def revision(self) -> str:
        return self._engine.revision

    @property
    def dimension(self) -> int:
        return self._engine.dimension

    @property
    def max_tokens(self) -> int:
        return self._engine.max_tokens

    @property
    def specials(self) -> int:
        """How many special tokens the model adds to every text, within ``max_tokens``."""
        return self._engine.tokens.specials

    def count(self, text: str) -> int:
        """As Tokens.count, for the chunker."""
        return self._engine.tokens.count(text)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As Embedder.embed. The first call in a process blocks for the loading and may raise UsageError."""
        return self._engine.embed(texts)

    @property
    def vocabulary(self) -> int:
        """How many token ids the model knows: 0 up to this, exclusive."""
        return self._engine.tokens.vocabulary

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """One row of token ids per text, special tokens included, of any length: ``max_tokens`` is not looked at.

        Raises RejectedRecord("bad-text") for what is not Unicode.
        """
        return self._engine.encode(texts)

    def embed_rows(self, rows: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """As ``embed``, for rows as ``encode`` returns them, each of 1 to ``max_tokens`` ids of the vocabulary."""
        return self._engine.embed_rows(rows)

    @property
    def _engine(self) -> Engine:
        return _engines.get(self.settings) or _load(self.settings, None)


def load_embedder(settings: ModelSettings | None = None, progress: Progress | None = None) -> ModelEmbedder:
    """Load the model now (the packaged one by default) and return its embedder.

    Blocks: a fraction of a second, or several seconds the first time a model is built on a machine. ``progress`` is
    told each stage in words and the fraction done, 0 to 1. Raises UsageError for a model that cannot be had here.
    """
    chosen = settings or ModelSettings()
    _load(chosen, progress)
    return ModelEmbedder(chosen)


def _load(settings: ModelSettings, progress: Progress | None) -> Engine:
    with _loading:
        engine = _engines.get(settings)
        if engine is None:
            engine = _engines[settings] = _open(settings, progress or (lambda stage, fraction: None))
        return engine


def _open(settings: ModelSettings, progress: Progress) -> Engine:
    if settings.threads < 1:
        raise UsageError("The model needs at least one thread", f"threads is {settings.threads}", "Set it to 1 or more")
    if settings.precision not in ("int8", "fp32"):
        raise UsageError("Unknown precision", repr(settings.precision), "Choose int8 or fp32")
    if settings.name == PACKAGED_MODEL:
        return load_minilm(settings, progress)
    progress(f"finding {settings.name}", 0.0)
    folder = read_model_folder(find_model(settings))
    progress("loading the model", 0.5)
    runs_as_onnx = folder.onnx is not None and folder.pooling is not None
    engine: Engine = (OnnxExportEngine if runs_as_onnx else TorchEngine)(folder, settings.threads)
    progress("model ready", 1.0)
    return engine
