"""Symmetric 8-bit weights, one scale per output column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def quantise_columns(matrix: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Levels int8 (rows, columns) within ±127 and scales float32 (columns,), so that matrix ≈ levels * scales."""
    scales = np.abs(matrix).max(axis=0).astype(np.float32) / np.float32(127)
    scales[scales == 0] = 1
    levels = np.clip(np.rint(matrix / scales), -127, 127).astype(np.int8)
    return levels, scales
