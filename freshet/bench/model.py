"""The raw model on the same cores: what the pipeline's rate is compared with."""

from __future__ import annotations

import multiprocessing
import os
import time

from freshet.bench.texts import texts
from freshet.embedding.load import load_embedder
from freshet.settings import model_settings

SECONDS = 5.0


def raw_rate(tokens: int) -> float:
    """Texts per second of the model alone, one process per core. Blocks for a few seconds."""
    cores = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        return sum(pool.starmap(_one_core, [(tokens, seed) for seed in range(cores)], chunksize=1))


def _one_core(tokens: int, seed: int) -> float:
    model = load_embedder(model_settings())
    contents = texts(model, tokens, seed)
    for _ in range(100):
        model.embed((next(contents),))
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        model.embed((next(contents),))
        done += 1
    return done / (time.perf_counter() - start)
