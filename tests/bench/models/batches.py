"""Whether texts of one length in one computation cost less than one by one."""

from __future__ import annotations

import time

import numpy as np
import onnxruntime as ort

from freshet.embedding import ModelSettings
from freshet.embedding.encoder import session_options
from freshet.embedding.minilm import load_minilm
from freshet.embedding.settings import Precision
from tests.bench.models.measure import rows_of

SECONDS = 1.0
SIZES = (1, 4, 16)
LENGTHS = (14, 157)


def compare() -> list[list[str]]:
    """One row per precision and length: ms of processor time per text at each size of batch."""
    table = []
    precisions: tuple[Precision, ...] = ("int8", "fp32")
    for precision in precisions:
        settings = ModelSettings(precision=precision)
        revision = load_minilm(settings, lambda stage, share: None).revision
        options = session_options(1)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        path = settings.cache_dir / f"all-MiniLM-L6-v2-{precision}-{revision}.onnx"
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for length in LENGTHS:
            rows = rows_of(length)
            table.append([precision, str(length), *(f"{_per_text(session, rows, size):.2f}" for size in SIZES)])
    return table


def _per_text(
    session: ort.InferenceSession, rows: list[np.ndarray[tuple[int], np.dtype[np.int32]]], size: int
) -> float:
    """Milliseconds of processor time."""
    batches = [np.stack(rows[at : at + size]) for at in range(0, len(rows) - size, size)]
    for batch in batches[:3]:
        session.run(None, {"input_ids": batch})
    end, done, used = time.monotonic() + SECONDS, 0, time.process_time()
    while time.monotonic() < end:
        session.run(None, {"input_ids": batches[done % len(batches)]})
        done += 1
    return (time.process_time() - used) / done / size * 1e3
