"""Shorter vectors: cut, for models trained for that, or projected by a matrix fitted to the model's revision."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from freshet.errors import UsageError
from inference.errors import bad_request

PACKAGED = Path(__file__).parent / "projections"
Matrix = NDArray[np.float32]


class Reducer:
    """``name`` says by what, for the answer's headers: vectors of two names cannot be compared."""

    def __init__(
        self, dimension: int, revision: str, kind: Literal["pca", "cut", "none"], folder: Path | None = None
    ) -> None:
        """Raises UsageError for a fitted file that cannot be read; that there is none is told who asks for it."""
        self._dimension = dimension
        self._kind = kind
        self._matrix: Matrix | None = None
        self.name: str = kind
        if kind == "pca":
            path = (folder or PACKAGED) / f"{revision}.npy"
            if path.is_file():
                self._matrix, self.name = _read(path, dimension)

    def check(self, dimensions: int | None) -> None:
        """Raises ApiError(400) for what this model cannot give; before the work, so that none is wasted."""
        if dimensions is None or dimensions == self._dimension:
            return
        field = "dimensions"
        if dimensions > self._dimension:
            raise bad_request("invalid_dimensions", f"The model has {self._dimension} dimensions.", field)
        if self._kind == "none" or (self._kind == "pca" and self._matrix is None):
            message = f"This model's vectors have {self._dimension} dimensions here, and no projection is fitted."
            raise bad_request("invalid_dimensions", message, field)
        if self._matrix is not None and dimensions > self._matrix.shape[1]:
            message = f"1 to {self._matrix.shape[1]} can be had, or {self._dimension}."
            raise bad_request("invalid_dimensions", message, field)

    def reduce(self, vectors: NDArray[np.float32], dimensions: int | None) -> NDArray[np.float32]:
        """(n, dimension) to (n, dimensions), L2-normalised; the same where all dimensions are wanted."""
        if dimensions is None or dimensions == self._dimension:
            return vectors
        short = vectors[:, :dimensions] if self._matrix is None else vectors @ self._matrix[:, :dimensions]
        unit: NDArray[np.float32] = short / np.maximum(np.linalg.norm(short, axis=1, keepdims=True), 1e-12)
        return unit


def fit(vectors: NDArray[np.float32], dimensions: int) -> Matrix:
    """The orthogonal projection (dimension, dimensions) that keeps the vectors' products best, most important first.

    It is a PCA around the origin and not around the mean: what a search compares are products of the vectors as they
    are. Any number of its first columns is the best projection of that size.
    """
    products = vectors.T.astype(np.float64) @ vectors
    _, directions = np.linalg.eigh(products)
    # The sign of a direction is arbitrary: fixed here, so that a fit can be repeated.
    columns = directions[:, ::-1][:, :dimensions]
    signs = np.sign(columns[np.abs(columns).argmax(axis=0), np.arange(columns.shape[1])])
    matrix: Matrix = (columns * signs).astype(np.float32)
    return matrix


def write(folder: Path, revision: str, matrix: Matrix) -> Path:
    """As half floats, half the size; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{revision}.npy"
    np.save(path, matrix.astype(np.float16))
    return path


def _read(path: Path, dimension: int) -> tuple[Matrix, str]:
    try:
        raw = path.read_bytes()
        matrix: Matrix = np.load(io.BytesIO(raw), allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read the projection {path}", str(error), "Fit it again, or remove it") from error
    if matrix.ndim != 2 or matrix.shape[0] != dimension or not np.isfinite(matrix).all():
        raise UsageError(f"{path} is no projection of {dimension} dimensions", str(matrix.shape), "Fit it again")
    return matrix, f"pca-{hashlib.sha256(raw).hexdigest()[:8]}"
