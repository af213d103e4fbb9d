"""Which model to load and how: the whole of what an embedder is rebuilt from in another process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Precision = Literal["int8", "fp32"]

PACKAGED_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

GRAPH_VERSION = "2"
"""Part of the packaged model's revision: raise it when a change of the graph or its quantisation changes vectors."""


def default_cache_dir() -> Path:
    """``$FRESHET_MODEL_CACHE``, else ``~/.cache/freshet/models``. Not created here."""
    chosen = os.environ.get("FRESHET_MODEL_CACHE", "")
    return Path(chosen) if chosen else Path.home() / ".cache" / "freshet" / "models"


@dataclass(frozen=True)
class ModelSettings:
    """Hashable and picklable. Two equal settings in one process share one loaded model."""

    name: str = PACKAGED_MODEL
    """The packaged model, a folder in sentence-transformers' layout, or a name on the Hugging Face hub."""
    precision: Precision = "int8"
    """Of the packaged model's weights; other models run as their authors exported them."""
    cache_dir: Path = field(default_factory=default_cache_dir)
    threads: int = 1
    """Threads inside one computation, at least 1."""
