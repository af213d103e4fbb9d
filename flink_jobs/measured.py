"""An embedder whose computations are timed and whose failures are counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freshet.embedding import Embedder
from freshet.embedding.wrapped import WrappedEmbedder
from freshet.errors import RejectedRecord
from freshet.metrics import EMBED_FAILURES, EMBED_SECONDS


class MeasuredEmbedder(WrappedEmbedder):
    """An Embedder over another one. A text that is refused is no failure of the model."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self._seconds = EMBED_SECONDS.histogram()
        self._failures = EMBED_FAILURES.counter()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As Embedder.embed."""
        try:
            with self._seconds.time():
                return self._embedder.embed(texts)
        except RejectedRecord:
            raise
        except Exception:
            self._failures.inc()
            raise
