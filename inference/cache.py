"""The server's use of the vector cache: by token ids, and, for who is content with less, by words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from freshet import metrics
from freshet.embedding.cache import VectorCache
from inference.model import Row, Vector

_LOOKUPS = metrics.INFERENCE_CACHE.counter()
_HITS, _MISSES, _FALLBACKS = (_LOOKUPS.labels(outcome) for outcome in ("hit", "miss", "fallback"))
_WORD = re.compile(r"\w+")


class TextCache:
    """One model's at one revision: the file may be shared, but another revision's vectors are never found.

    The key is the hash of the token ids: that is the text as the model normalises it, so whatever differs only in what
    the model does not see is found too, and nothing else is.
    """

    def __init__(self, kept: VectorCache) -> None:
        self._kept = kept

    def find(self, rows: Sequence[Row]) -> list[Vector | None]:
        """Blocks for a read of the file, some 20 µs a row."""
        keys = [_exact(row) for row in rows]
        found = self._kept.get_many(keys)
        vectors = [found.get(key) for key in keys]
        hits = sum(vector is not None for vector in vectors)
        _HITS.inc(hits)
        _MISSES.inc(len(vectors) - hits)
        return vectors

    def find_similar(self, texts: Sequence[str]) -> list[Vector | None]:
        """The vector of a text with the same words in the same order, whatever its case, spaces and punctuation."""
        keys = [_loose(text) for text in texts]
        found = self._kept.get_many(keys)
        vectors = [found.get(key) for key in keys]
        _FALLBACKS.inc(sum(vector is not None for vector in vectors))
        return vectors

    def keep(self, rows: Sequence[Row], texts: Sequence[str | None], vectors: Sequence[Vector]) -> None:
        """Returns at once. ``texts`` has None for what came as token ids."""
        new = {_exact(row): vector for row, vector in zip(rows, vectors, strict=True)}
        new |= {_loose(text): vector for text, vector in zip(texts, vectors, strict=True) if text is not None}
        self._kept.put_many(new)

    def close(self) -> None:
        """Blocks until all is written."""
        self._kept.close()


def _exact(row: Row) -> bytes:
    return hashlib.blake2b(row.astype("<i4", copy=False).tobytes(), digest_size=16, person=b"tokens").digest()


def _loose(text: str) -> bytes:
    words = " ".join(_WORD.findall(text.casefold())) or text
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16, person=b"words").digest()
