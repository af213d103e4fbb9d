"""What an embedder over another one shares with it."""

from __future__ import annotations

from freshet.embedding.protocol import Embedder


class WrappedEmbedder:
    """Of the same model, revision, dimension and length. ``embed`` is the subclass's own."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def model(self) -> str:
        return self._embedder.model

    @property
    def revision(self) -> str:
        return self._embedder.revision

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    @property
    def max_tokens(self) -> int:
        return self._embedder.max_tokens
