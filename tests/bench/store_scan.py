"""What a query costs by the number of vectors that no graph holds yet: ``python -m tests.bench.store_scan``.

It decides when a build is worth its cost. Nothing else runs beside it. Prints Markdown.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from freshet.store import CollectionInfo, StoreSettings
from freshet.store.edge import EdgeStore
from tests.bench.store_corpus import embedded, sentences
from tests.bench.store_index import QUERIES, Load

SIZES = (5_000, 10_000, 20_000, 30_000, 50_000)


def measure(partitions: int, sizes: list[int]) -> None:
    texts = sentences(50_000 + QUERIES)
    vectors = embedded(texts)
    queries, held = vectors[-QUERIES:], vectors[:-QUERIES]
    folder = Path(tempfile.mkdtemp(prefix="freshet-bench-"))
    store = EdgeStore(StoreSettings(path=folder / "store", partitions=partitions, index_in_background=False))
    try:
        store.open(CollectionInfo("bench", "1", held.shape[1]))
        load = Load(store, held, queries, texts, np.arange(len(held)))
        filled = 0
        for size in sizes:
            load.fill(filled, size)
            filled = size
            taken = []
            for query in queries:
                started = time.perf_counter()
                store.search(query, 10)
                taken.append(time.perf_counter() - started)
            p50, p99 = np.quantile(np.array(taken) * 1e3, [0.5, 0.99])
            print(f"| {partitions} | {size} | {p50:.1f} / {p99:.1f} |", flush=True)
    finally:
        store.close()
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partitions", type=int, nargs="+", default=[2])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    options = parser.parse_args()
    print("| partitions | vectors scanned | query p50 / p99 ms |\n|---|---|---|")
    for partitions in options.partitions:
        measure(partitions, sorted(options.sizes))


if __name__ == "__main__":
    main()
