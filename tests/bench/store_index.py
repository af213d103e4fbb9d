"""How far an index build disturbs the embedded store: ``python -m tests.bench.store_index --partitions 1 2 4``.

Fills a store with real sentences, unindexed; then lets the index build run beside a writer (500 changed documents a
second) and a searcher (50 a second), and afterwards compares the graph's answers with exact ones. A call counts from
when it was due, so that a stall which keeps the caller itself from running counts too. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from freshet.store import ChunkPoint, CollectionInfo, Head, StoreSettings
from freshet.store.edge import EdgeStore
from tests.bench.store_corpus import embedded, sentences

QUERIES = 200
BATCH = 10
DEADLINE_S = 300.0
EFS = (64, 128, 256)
HEADER = (
    "| partitions | phase | seconds | write p50 / p99 / worst ms | query p50 / p99 / worst ms | idle process ms |\n"
    "|---|---|---|---|---|---|"
)
IDLE = (
    "import sys, time, threading; stop = threading.Event(); worst = 0.0\n"
    "threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()\n"
    "while not stop.is_set():\n"
    "    started = time.perf_counter(); time.sleep(0.005)\n"
    "    worst = max(worst, time.perf_counter() - started - 0.005)\n"
    "print(worst * 1e3)"
)
"""How late the machine wakes a process that does nothing: the part of a stall that is not the store's."""


@dataclass
class Load:
    """A writer and a searcher with steady pace, and the seconds that each of their calls took."""

    store: EdgeStore
    vectors: NDArray[np.float32]
    queries: NDArray[np.float32]
    texts: list[str]
    current: NDArray[np.int64]
    """Which vector each document holds now."""
    version: int = 1
    writes: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)

    def fill(self, first: int = 0, end: int | None = None) -> None:
        """Write the documents from ``first`` to ``end``, which are new."""
        end = len(self.current) if end is None else end
        for start in range(first, end, 50):
            self._put(np.arange(start, min(start + 50, end)))

    def during(self, done: threading.Event) -> float:
        """Run both until ``done``; the seconds that took."""
        self.writes.clear()
        self.reads.clear()
        started = time.perf_counter()
        threads = [threading.Thread(target=work, args=(done,)) for work in (self._write, self._search)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - started

    def row(self) -> str:
        columns = (np.quantile(np.array(taken) * 1e3, [0.5, 0.99, 1.0]) for taken in (self.writes, self.reads))
        return " | ".join("{:.1f} / {:.1f} / {:.1f}".format(*column) for column in columns)

    def _write(self, done: threading.Event) -> None:
        random = np.random.default_rng(1)
        for due in _dates(done, BATCH / 500):
            documents = random.choice(len(self.current), BATCH, replace=False)
            self.version += 1
            self.current[documents] = random.integers(len(self.vectors), size=BATCH)
            self._put(documents)
            self.writes.append(time.perf_counter() - due)

    def _search(self, done: threading.Event) -> None:
        place = 0
        for due in _dates(done, 0.02):
            place = (place + 1) % len(self.queries)
            self.store.search(self.queries[place], 10)
            self.reads.append(time.perf_counter() - due)

    def _put(self, documents: NDArray[np.int64]) -> None:
        chunks = []
        for document in documents:
            place = self.current[document]
            chunks.append(
                ChunkPoint(f"doc-{document}", self.version, 0, 0, self.texts[place], self.vectors[place], {"n": 1})
            )
        heads = [Head(chunk.document_id, chunk.version, chunks=1) for chunk in chunks]
        sweep = {} if self.version == 1 else {head.document_id: head.version for head in heads}
        self.store.write(chunks, heads, sweep)


def _dates(done: threading.Event, period: float) -> Iterator[float]:
    """When each call is due, at that time or, where the last call took longer than the period, as soon as possible."""
    due = time.perf_counter()
    while True:
        due += period
        if done.wait(max(0.0, due - time.perf_counter())):
            return
        yield due


def measure(partitions: int, vectors: NDArray[np.float32], queries: NDArray[np.float32], texts: list[str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="freshet-bench-"))
    info = CollectionInfo("bench", "1", vectors.shape[1])
    try:
        # No patience: what is measured is a build that goes on beside the load.
        quiet = StoreSettings(
            path=folder / "store", partitions=partitions, index_in_background=False, index_patience_s=0
        )
        store = EdgeStore(quiet)
        store.open(info)
        load = Load(store, vectors, queries, texts, np.arange(len(vectors)))
        load.fill()
        _report(partitions, "unindexed, no build", load, _after(5.0))
        store.close()

        store = load.store = EdgeStore(quiet.model_copy(update={"index_in_background": True}))
        store.open(info)
        _report(partitions, "while building", load, _when_indexed(store, len(vectors)))
        store.close()

        store = load.store = EdgeStore(quiet)
        store.open(info)
        _report(partitions, "indexed, no build", load, _after(5.0))
        store.close()
        for ef in EFS:
            store = EdgeStore(quiet.model_copy(update={"ef": ef}))
            store.open(info)
            print(f"| {partitions} | recall@10, ef {ef} | | | {_recall(store, load):.4f} | |", flush=True)
            store.close()
    finally:
        shutil.rmtree(folder)


def _report(partitions: int, phase: str, load: Load, done: threading.Event) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", IDLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as idle:
        seconds = load.during(done)
        lateness = float(idle.communicate("")[0])
    print(f"| {partitions} | {phase} | {seconds:.1f} | {load.row()} | {lateness:.1f} |", flush=True)


def _after(seconds: float) -> threading.Event:
    done = threading.Event()
    threading.Timer(seconds, done.set).start()
    return done


def _when_indexed(store: EdgeStore, count: int) -> threading.Event:
    done = threading.Event()

    def watch() -> None:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline and store.stats().indexed < 0.75 * count:
            done.wait(0.5)
        done.wait(1.0)  # the end of the swap: closing and removing the old generation
        done.set()

    threading.Thread(target=watch, daemon=True).start()
    return done


def _recall(store: EdgeStore, load: Load) -> float:
    """Of the ten exact nearest scores, the share that the store's answers reach (ties count as found)."""
    held = load.vectors[load.current]
    scores = []
    for query in load.queries:
        exact = np.sort(held @ query)[-10:]
        answers = [hit.score for hit in store.search(query, 10)]
        scores.append(sum(score >= exact[0] - 1e-5 for score in answers) / 10)
    return float(np.mean(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=50_000)
    parser.add_argument("--partitions", type=int, nargs="+", default=[2])
    options = parser.parse_args()
    texts = sentences(options.vectors + QUERIES)
    vectors = embedded(texts)
    queries, held = vectors[-QUERIES:], vectors[:-QUERIES]
    print(f"{len(held)} vectors of {held.shape[1]}, {os.cpu_count()} CPUs, {platform.platform()}\n\n{HEADER}")
    for partitions in options.partitions:
        measure(partitions, held, queries, texts)


if __name__ == "__main__":
    main()
