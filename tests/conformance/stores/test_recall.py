"""HNSW on embeddings of real text: of the ten nearest by exact search, at least 98 % are found."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from freshet.store import ChunkPoint, CollectionInfo, Head, StoreSettings
from freshet.store.edge import EdgeStore
from tests.bench.store_corpus import embedded, sentences

COUNT, QUERIES = 5_000, 100
MINUTES = 3.0


def test_recall_at_ten(tmp_path: Path) -> None:
    texts = sentences(COUNT + QUERIES)
    vectors = embedded(texts)
    held, queries = vectors[:COUNT], vectors[COUNT:]
    store = EdgeStore(StoreSettings(path=tmp_path / "store", index_after=1_000, index_patience_s=0))
    store.open(CollectionInfo("m", "r", vectors.shape[1]))
    for start in range(0, COUNT, 50):
        places = range(start, start + 50)
        chunks = [ChunkPoint(f"d{place}", 1, 0, 0, texts[place], held[place], {}) for place in places]
        store.write(chunks, [Head(chunk.document_id, 1, chunks=1) for chunk in chunks], {})
    deadline, pause = time.monotonic() + 60 * MINUTES, threading.Event()
    while store.stats().indexed < 0.6 * COUNT:
        assert time.monotonic() < deadline, "no index within its time"
        pause.wait(0.1)
    recall = np.mean([_found(store, held, query) for query in queries])
    store.close()
    assert recall >= 0.98


def _found(store: EdgeStore, held: NDArray[np.float32], query: NDArray[np.float32]) -> float:
    least = float(np.sort(held @ query)[-10])
    return sum(hit.score >= least - 1e-5 for hit in store.search(query, 10)) / 10
