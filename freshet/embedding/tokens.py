"""A model's tokenizer, without the truncation and padding that its file may ask for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from freshet.errors import RejectedRecord, UsageError


class ModelTokens:
    """Counts and encodes as the model does. Safe to call from several threads; pickles as its path."""

    def __init__(self, path: Path) -> None:
        """Reads a ``tokenizer.json``. Raises UsageError when it cannot."""
        self._path = path
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises bare Exception
            raise UsageError(f"Cannot read the tokenizer {path}", str(error)) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.specials = len(self._tokenizer.encode(""))
        """How many special tokens the model adds to every text."""

    def __reduce__(self) -> tuple[type[ModelTokens], tuple[Path]]:
        return ModelTokens, (self._path,)

    def count(self, text: str) -> int:
        """Number of tokens without the special ones."""
        return len(self._encode([text], special=False)[0])

    @property
    def vocabulary(self) -> int:
        """How many token ids there are: 0 up to this, exclusive."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, texts: list[str], limit: int | None) -> list[NDArray[np.int32]]:
        """One int32 row of token ids per text, special tokens included.

        Raises RejectedRecord("text-too-long") for a text over ``limit`` tokens, where there is a limit.
        """
        rows = [np.array(ids, np.int32) for ids in self._encode(texts, special=True)]
        longest = max((len(row) for row in rows), default=0)
        if limit is not None and longest > limit:
            raise RejectedRecord("text-too-long", f"{longest} tokens, the model takes {limit}")
        return rows

    def _encode(self, texts: list[str], special: bool) -> list[list[int]]:
        try:
            encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=special)
        except (UnicodeEncodeError, TypeError) as error:
            raise RejectedRecord("bad-text", f"not valid Unicode: {error}") from error
        return [encoding.ids for encoding in encodings]
