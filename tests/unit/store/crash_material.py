"""Documents that tell from their name and version what they must hold."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable

import numpy as np

from freshet.store import ChunkPoint, Head, VectorStore
from freshet.store.protocol import Vector

DOCUMENTS = 300
INFO_DIMENSION = 32
CHUNKS = 2


def document_name(number: int) -> str:
    return f"doc-{number % DOCUMENTS}"


def vector_of(name: str, version: int, chunk: int) -> Vector:
    """Shape (INFO_DIMENSION,), unit length, the same in every process."""
    seed = zlib.crc32(f"{name} {version} {chunk}".encode())
    vector = np.random.default_rng(seed).normal(size=INFO_DIMENSION).astype(np.float32)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


def write_document(store: VectorStore, name: str, version: int) -> None:
    chunks = [
        ChunkPoint(name, version, 0, chunk, f"{name} v{version}", vector_of(name, version, chunk), {"v": version})
        for chunk in range(CHUNKS)
    ]
    store.write(chunks, [Head(name, version, chunks=CHUNKS)], {name: version})


def write_while(running: threading.Thread, store: VectorStore) -> int:
    """Go on from the first round of documents until the thread has ended. Returns the number of the next write."""
    number = DOCUMENTS
    while running.is_alive():
        write_document(store, document_name(number), number // DOCUMENTS)
        number += 1
    running.join()
    return number


def check_documents(store: VectorStore, acknowledged: int) -> None:
    """Every acknowledged write is there, whole; at most the one after it as well."""
    for place in range(min(DOCUMENTS, acknowledged + 1)):
        name = document_name(place)
        least = (acknowledged - place) // DOCUMENTS
        document = store.document(name)
        assert document is not None, name
        head, chunks = document
        assert head.version in (least, least + 1), (name, head.version, least)
        assert [chunk.chunk for chunk in chunks] == list(range(CHUNKS)), name
        best = store.search(vector_of(name, head.version, 0), 1)[0]
        assert (best.document_id, best.version) == (name, head.version)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Block until it holds."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "not within its time"
        pause.wait(0.01)
