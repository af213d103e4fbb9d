"""What shorter vectors cost in recall."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from freshet.bench.tables import table
from freshet.embedding import load_embedder
from inference.dimensions import Reducer

SIZES = (256, 128, 64)
NEAREST = 10


def reductions(vectors: dict[str, Any]) -> str:
    """Recall of int8's vectors, projected and cut."""
    queries, documents = vectors["int8"]["queries"], vectors["int8"]["documents"]
    model = load_embedder()
    fitted = Reducer(model.dimension, model.revision, "pca")
    cut = Reducer(model.dimension, model.revision, "cut")
    body = [["384", f"{_recall(queries, documents):.3f}", ""]]
    for size in SIZES:
        shares = [_recall(each.reduce(queries, size), each.reduce(documents, size)) for each in (fitted, cut)]
        body.append([str(size), *(f"{share:.3f}" for share in shares)])
    return table(["dimensions", f"recall@{NEAREST}, projected", "cut"], body)


def _recall(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> float:
    scores = queries @ documents.T
    own = np.diagonal(scores)[:, None]
    return float(((scores > own).sum(axis=1) < NEAREST).mean())
