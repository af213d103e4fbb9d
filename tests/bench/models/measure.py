"""One engine in a process of its own: start, latency by length, rate, memory, vectors of the corpus."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from freshet.embedding import load_embedder
from tests.bench.models.candidates import CANDIDATES, Runs
from tests.bench.models.corpus import docstrings, retrieval_set

LENGTHS = (14, 65, 157, 256)
SECONDS = 2.5
PAIRS = 500


def rows_of(length: int, count: int = 400) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """Different rows of exactly ``length`` token ids, cut from the docstrings, whole with their special tokens."""
    model = load_embedder()
    ids = np.concatenate([row[1:-1] for row in model.encode(docstrings(3_000))])
    first, last = model.encode([""])[0]
    starts = range(0, len(ids) - length, length)
    return [np.array([first, *ids[at : at + length - 2], last], np.int32) for at in list(starts)[:count]]


def latencies(engine: Runs, length: int) -> tuple[list[float], float]:
    """Milliseconds of one text at a time, after a warm-up; and of processor time per text, which neighbours lengthen
    less.
    """
    rows = rows_of(length)
    for row in rows[:20]:
        engine.embed_rows([row])
    taken = []
    end, used = time.monotonic() + SECONDS, time.process_time()
    while time.monotonic() < end:
        for row in rows[: 50 if length > 100 else None]:
            before = time.perf_counter()
            engine.embed_rows([row])
            taken.append((time.perf_counter() - before) * 1e3)
    return taken, (time.process_time() - used) * 1e3 / len(taken)


def measure(name: str, folder: Path) -> None:
    """Writes ``<name>.json`` and ``<name>.npz`` into ``folder``."""
    process = psutil.Process()
    engine = CANDIDATES[name][1]()
    engine.embed_rows(rows_of_one())
    found: dict[str, object] = {
        "start_seconds": time.time() - process.create_time(),
        "memory_mb": process.memory_info().rss / 1e6,
    }
    for length in LENGTHS:
        series, cpu = latencies(engine, length)
        p50, p99 = np.percentile(series, [50, 99])
        found[str(length)] = {"p50": p50, "p99": p99, "cpu": cpu, "runs": len(series)}
    model = load_embedder()
    queries, documents = retrieval_set(model, PAIRS)
    np.savez(
        folder / f"{name}.npz",
        queries=engine.embed_rows(model.encode(queries)),
        documents=engine.embed_rows(model.encode(documents)),
    )
    (folder / f"{name}.json").write_text(json.dumps(found))


def rows_of_one() -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """Without loading a tokenizer, which would count as the engine's start."""
    return [np.array([101, 1037, 4937, 102], np.int32)]


if __name__ == "__main__":
    # What is not in the environment (torch, OpenVINO) may be in a folder of its own, behind all else.
    sys.path.extend(sys.argv[3:])
    measure(sys.argv[1], Path(sys.argv[2]))
