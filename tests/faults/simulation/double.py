"""Stand-ins for the model and the chunker: deterministic, and some texts are known to fail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from freshet.chunking import Chunker
from freshet.errors import RejectedRecord, UnavailableError
from freshet.store import CollectionInfo
from freshet.store.protocol import Vector

COLLECTION = CollectionInfo("double", "r1", 4)
SEPARATOR = "|"
NOT_A_NUMBER = "the model gives NaN"
UNFORESEEN = "the model crashes"


def chunks_of(text: str) -> list[str]:
    return text.split(SEPARATOR) if text else []


@lru_cache(maxsize=100_000)
def vector_of(text: str) -> Vector:
    row = np.frombuffer(hashlib.blake2b(text.encode(), digest_size=4).digest(), np.uint8).astype(np.float32) + 1
    unit: Vector = row / np.linalg.norm(row)
    unit.setflags(write=False)
    return unit


class SeparatorChunker(Chunker):
    """A chunk is what stands between separators."""

    def __init__(self) -> None: ...

    def chunks(self, text: str) -> list[str]:
        return chunks_of(text)


class DoubleEmbedder:
    """Implements Embedder. Some texts always fail; ``down`` says whether the model cannot answer at this call."""

    model, revision, dimension = COLLECTION.model, COLLECTION.revision, COLLECTION.dimension
    max_tokens, specials = 256, 2

    def __init__(self, down: Callable[[], bool]) -> None:
        self._down = down

    def count(self, text: str) -> int:
        return len(text)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        for text in texts:
            if NOT_A_NUMBER in text:
                raise RejectedRecord("bad-vector", "NaN")
            if UNFORESEEN in text:
                raise RuntimeError("simulated")
        if self._down():
            raise UnavailableError("the model is away", "simulated")
        return np.stack([vector_of(text) for text in texts])
