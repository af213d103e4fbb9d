"""A stand-in for the model in unit tests: deterministic vectors from a hash of the text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freshet.errors import RejectedRecord


class HashEmbedder:
    """Words are tokens. ``calls`` counts texts; one with "NaN" is refused as the model's NaN would be."""

    model = "double"
    revision = "r1"
    dimension = 8
    max_tokens = 256

    def __init__(self) -> None:
        self.calls = 0

    def count(self, text: str) -> int:
        return len(text.split())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += len(texts)
        for text in texts:
            if "NaN" in text:
                raise RejectedRecord("bad-vector", "NaN")
            if "crash" in text:
                raise RuntimeError("boom")
        rows = [np.frombuffer(hashlib.blake2b(t.encode(), digest_size=8).digest(), np.uint8) for t in texts]
        vectors = np.stack(rows).astype(np.float32) + 1.0
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit
