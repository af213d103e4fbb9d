"""What the server needs of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.int32]
"""Token ids of one text, special tokens included; int32 (tokens,)."""
Vector = NDArray[np.float32]


class Model(Protocol):
    """``freshet.embedding.ModelEmbedder`` is one. Safe to call from several threads."""

    @property
    def model(self) -> str: ...

    @property
    def revision(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    @property
    def vocabulary(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> list[Row]: ...

    def embed_rows(self, rows: Sequence[Row]) -> NDArray[np.float32]: ...
