"""An embedder that asks a cache first."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freshet.embedding.protocol import Embedder
from freshet.embedding.wrapped import WrappedEmbedder
from freshet.errors import RejectedRecord
from freshet.ids import content_hash


class KeptVectors(Protocol):
    """A cache of vectors by content hash; neither method raises."""

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]: ...

    def put_many(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None: ...


class CachedEmbedder(WrappedEmbedder):
    """An Embedder over another one. Texts that are equal, in one call or by the cache, are embedded once.

    ``hits`` and ``misses`` count texts since the start: a miss went to the model.
    """

    def __init__(self, embedder: Embedder, cache: KeptVectors) -> None:
        """The cache must be of this embedder's model, revision and dimension."""
        super().__init__(embedder)
        self._cache = cache
        self._counting = threading.Lock()
        self.hits = 0
        self.misses = 0

    def __reduce__(self) -> tuple[type[CachedEmbedder], tuple[Embedder, KeptVectors]]:
        return CachedEmbedder, (self._embedder, self._cache)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As Embedder.embed; blocks for the model only where a text is new."""
        keys = [_key(text) for text in texts]
        found = self._cache.get_many(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if new:
            made = dict(zip(new, self._embedder.embed(list(new.values())), strict=True))
            self._cache.put_many(made)
            found = found | made
        with self._counting:
            self.misses += len(new)
            self.hits += len(texts) - len(new)
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for index, key in enumerate(keys):
            vectors[index] = found[key]
        return vectors


def _key(text: str) -> bytes:
    try:
        return content_hash(text)
    except UnicodeEncodeError as error:
        raise RejectedRecord("bad-text", f"not valid Unicode: {error}") from error
