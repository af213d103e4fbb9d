"""Texts of a wanted length, cut from one book: most chunks of a long text are those of another, and are cached."""

from __future__ import annotations

import functools
import pydoc_data.topics
import random
import re

PARAGRAPH = 12
"""Sentences between two places where an excerpt may start: about three chunks."""
BOOK_SENTENCES = 1_200
"""About 290 chunks."""


@functools.cache
def book() -> tuple[str, ...]:
    """Distinct sentences of 20 to 300 characters, the same on every call."""
    text = " ".join(pydoc_data.topics.topics.values())
    sentences = dict.fromkeys(" ".join(one.split()) for one in re.split(r"(?<=[.!?])\s+", text))
    return tuple(one for one in sentences if 20 < len(one) < 300 and one.isascii())[:BOOK_SENTENCES]


def excerpt(choose: random.Random, sentences: int) -> str:
    """That many sentences in a row, from the start of a paragraph; the whole book at most."""
    last = max(0, len(book()) - sentences) // PARAGRAPH
    start = choose.randint(0, last) * PARAGRAPH
    return " ".join(book()[start : start + sentences])


def text(choose: random.Random, mark: str, long: bool = True) -> str:
    """A text that no other mark leads to. Of 1 to 3 chunks mostly; of tens, and rarely up to 300, where ``long``."""
    kind = choose.random()
    if kind < 0.88 or (not long and kind < 0.97):
        return f"{mark}: {choose.choice(book())}"[:100]
    if kind < 0.98 or not long:
        return f"{mark}. {excerpt(choose, choose.randint(2, PARAGRAPH))}"
    if kind < 0.998:
        return f"{mark}. {excerpt(choose, choose.randint(40, 160))}"
    return f"{mark}. {excerpt(choose, choose.randint(600, BOOK_SENTENCES))}"
