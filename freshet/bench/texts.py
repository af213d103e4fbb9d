"""Texts of an exact number of tokens, each different, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from freshet.embedding.load import ModelEmbedder

SPECIAL_TOKENS = 2


def texts(model: ModelEmbedder, tokens: int, seed: int) -> Iterator[str]:
    """Endless. ``tokens`` counts the special ones, as the model's limit does."""
    words = [word for word in _words() if model.count(word) == 1]
    choose = random.Random(seed)
    while True:
        yield " ".join(choose.choices(words, k=tokens - SPECIAL_TOKENS))


def _words() -> list[str]:
    import pydoc_data.topics

    text = " ".join(pydoc_data.topics.topics.values())
    return sorted({word for word in text.lower().split() if word.isalpha() and len(word) > 3})
