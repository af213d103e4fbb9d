"""Vectors without meaning: the same text has the same one, another text one that is far from it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freshet.store import CollectionInfo


class MadeUpEmbedder:
    """An Embedder that costs nothing, for faults in which no model takes part."""

    model = "made-up"
    revision = "r1"
    dimension = 32
    max_tokens = 256

    def count(self, text: str) -> int:
        return len(text.split())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [hashlib.blake2b(text.encode(), digest_size=self.dimension).digest() for text in texts]
        vectors = np.array([list(row) for row in rows], np.float32).reshape(len(texts), self.dimension) - 127.5
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    @property
    def info(self) -> CollectionInfo:
        return CollectionInfo(self.model, self.revision, self.dimension)
