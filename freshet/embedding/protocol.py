"""The one method that everything which embeds depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """A loaded model. Safe to call from several threads. Pickles as its settings and loads again where it lands."""

    @property
    def model(self) -> str:
        """The model's public name, for example ``sentence-transformers/all-MiniLM-L6-v2``."""

    @property
    def revision(self) -> str:
        """Changes whenever the vectors would: weights' digest, precision and pooling, as one short word."""

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """The longest text the model takes, special tokens included."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), dimension), each row L2-normalised. Blocks for the computation.

        Raises RejectedRecord("text-too-long") for a text over ``max_tokens``: nothing is cut silently.
        Raises RejectedRecord("bad-vector") when the model returns NaN or infinity.
        """


class Tokens(Protocol):
    """Counts tokens as the model does; what the chunker needs of a model."""

    def count(self, text: str) -> int:
        """Number of tokens without the special ones."""
