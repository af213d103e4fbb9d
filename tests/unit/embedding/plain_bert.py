"""BERT's forward pass written out in numpy, as the paper gives it: slow, and independent of the graph under test."""

from __future__ import annotations

from collections.abc import Mapping
from math import erf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Double = NDArray[np.float64]
_erf = np.vectorize(erf, otypes=[np.float64])


def plain_bert(weights: Mapping[str, Array], ids: list[int], layers: int = 6, heads: int = 12) -> Double:
    """The L2-normalised mean over all positions, float64 (hidden,)."""

    def get(name: str) -> Double:
        return weights[name].astype(np.float64)

    def linear(name: str, rows: Double) -> Double:
        product: Double = rows @ get(f"{name}.weight").T
        return product + get(f"{name}.bias")

    def norm(name: str, rows: Double) -> Double:
        centred = rows - rows.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        scaled: Double = centred / deviation * get(f"{name}.weight")
        return scaled + get(f"{name}.bias")

    rows = get("embeddings.word_embeddings.weight")[ids]
    rows = rows + get("embeddings.position_embeddings.weight")[: len(ids)]
    rows = rows + get("embeddings.token_type_embeddings.weight")[0]
    rows = norm("embeddings.LayerNorm", rows)
    for layer in range(layers):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            linear(f"{name}.attention.self.{part}", rows).reshape(len(ids), heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / sqrt(query.shape[-1])
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        context = (shares @ value).transpose(1, 0, 2).reshape(len(ids), -1)
        rows = norm(f"{name}.attention.output.LayerNorm", linear(f"{name}.attention.output.dense", context) + rows)
        wide = linear(f"{name}.intermediate.dense", rows)
        wide = wide * 0.5 * (1 + _erf(wide / sqrt(2)))
        rows = norm(f"{name}.output.LayerNorm", linear(f"{name}.output.dense", wide) + rows)
    mean: Double = rows.mean(axis=0)
    return mean / float(np.linalg.norm(mean))
