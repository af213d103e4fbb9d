"""Text to chunks that a model can take whole."""

from __future__ import annotations

import math
from typing import Protocol

from semantic_text_splitter import TextSplitter

from freshet.chunking.sections import sections
from freshet.embedding.protocol import Tokens
from freshet.errors import UsageError

DEFAULT_CAPACITY = 254
"""all-MiniLM's 256 less its two special tokens. Nine sections in ten then are one chunk each, which is what keeps
an edit from changing its neighbours' chunks; a model that takes more gains nothing, since sections are no longer."""
DEFAULT_OVERLAP = 20
"""About one sentence, repeated only where a section had to be split."""


class ChunkedModel(Tokens, Protocol):
    """What an embedder says about the texts that it takes."""

    @property
    def max_tokens(self) -> int: ...

    @property
    def specials(self) -> int: ...


class Chunker:
    """Cuts by content: a chunk depends on its section alone, so an edit changes the chunks around it and no others.

    Safe to call from several threads; pickles if its tokens do.
    """

    def __init__(self, tokens: Tokens, capacity: int = DEFAULT_CAPACITY, overlap: int = DEFAULT_OVERLAP) -> None:
        """``capacity`` and ``overlap`` are in tokens without the special ones. Raises UsageError unless they fit."""
        if not 0 <= overlap < capacity:
            raise UsageError(
                "Chunks cannot be cut so", f"capacity {capacity}, overlap {overlap}", "0 ≤ overlap < capacity"
            )
        self._tokens = tokens
        self.capacity = capacity
        self.overlap = overlap

    @classmethod
    def of(cls, model: ChunkedModel) -> Chunker:
        """The chunker with the default sizes, or smaller ones for a model that takes less."""
        capacity = min(DEFAULT_CAPACITY, model.max_tokens - model.specials)
        return cls(model, capacity, min(DEFAULT_OVERLAP, capacity // 4))

    def chunks(self, text: str) -> list[str]:
        """Chunks in order, without white space around them; none for a text that is only white space.

        Each has at most ``capacity`` tokens, and all that is not white space is in some chunk. Blocks for the
        counting: microseconds for a short text, about a second per megabyte.
        """
        return [chunk for section in sections(text) for chunk in self._split(section.strip())]

    def fits(self, text: str) -> bool:
        """Whether the whole text could be one chunk."""
        return self._tokens.count(text) <= self.capacity

    def _split(self, section: str) -> list[str]:
        count = self._tokens.count(section)
        if count <= self.capacity:
            return [section]
        # Of about equal length: a short rest would be a chunk of little meaning.
        share = math.ceil(count / math.ceil(count / self.capacity) * 1.1) + self.overlap
        splitter = TextSplitter.from_callback(self._tokens.count, min(self.capacity, share), self.overlap)
        return splitter.chunks(section)
