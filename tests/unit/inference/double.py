"""A stand-in for the model that can be held, and that counts what it computed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freshet.errors import RejectedRecord
from inference.model import Row

DIMENSION = 8
NAN_ID = 99
CRASH_ID = 98


class HashModel:
    """A word is a token, case and spaces do not matter. ``release`` lets computations go on after ``hold``."""

    model = "double"
    dimension = DIMENSION
    max_tokens = 32
    vocabulary = 100

    def __init__(self, revision: str = "r1") -> None:
        self.revision = revision
        self.computed: list[tuple[int, ...]] = []
        self.spoilt = False
        self._free = threading.Event()
        self._free.set()
        self.entered = threading.Event()

    def hold(self) -> None:
        self.entered.clear()
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    def encode(self, texts: Sequence[str]) -> list[Row]:
        for text in texts:
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise RejectedRecord("bad-text", str(error)) from error
        return [np.array([1, *map(word_id, text.split()), 2], np.int32) for text in texts]

    def embed_rows(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        self.entered.set()
        assert self._free.wait(30)
        self.computed += [tuple(row.tolist()) for row in rows]
        vectors = np.empty((len(rows), DIMENSION), np.float32)
        for vector, row in zip(vectors, rows, strict=True):
            if CRASH_ID in row:
                raise RuntimeError("boom")
            digest = hashlib.blake2b(row.tobytes(), digest_size=DIMENSION).digest()
            vector[:] = np.frombuffer(digest, np.uint8).astype(np.float32) - (128 if self.spoilt else 0) + 1.0
            vector /= np.linalg.norm(vector)
            if NAN_ID in row:
                vector[0] = np.nan
        return vectors


def word_id(word: str) -> int:
    known = {"nan": NAN_ID, "crash": CRASH_ID}
    return known.get(word.lower(), 3 + hashlib.blake2b(word.lower().encode()).digest()[0] % 90)
