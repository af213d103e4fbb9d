"""What the simulator takes for granted, measured: ``python -m tests.bench.policies.calibrate``.

The consumer's own loop on the embedded store, batch by batch: updates of known documents, one chunk each. Then the
model on texts of three lengths. Writes ``calibration.json`` beside this file; a minute, nothing else should run.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from consumers.observer import Observer
from consumers.policies import MAX_LIMIT, Sample
from consumers.settings import ConsumerSettings
from consumers.source import Message
from consumers.upserter import Upserter
from freshet.bench.machine import describe
from freshet.bench.texts import texts
from freshet.clock import wall_clock
from freshet.codec import encode_embedding
from freshet.embedding.load import load_embedder
from freshet.events import EmbeddingRecord
from freshet.settings import model_settings
from freshet.store import CollectionInfo
from freshet.store.settings import StoreSettings, open_store
from tests.unit.consumers.test_upserter import Letters, ListSource

FILE = Path(__file__).parent / "calibration.json"
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 350, 500)
ROUNDS = 30
DOCUMENTS = 5_000
TOKENS = (14, 65, 157)
DIMENSION = 384


@dataclass(frozen=True, slots=True)
class Calibration:
    """Milliseconds. ``fixed_ms`` and ``per_item_ms`` are the line with the least relative error through the medians,
    ``spread`` the standard deviation of the logarithm of a batch's time over the median of its size.
    """

    fixed_ms: float
    per_item_ms: float
    spread: float
    flush_ms: float
    batch_ms: dict[str, float]
    """The median by batch size."""
    model_ms: dict[str, float]
    """One text by its tokens."""
    machine: str


def load() -> Calibration:
    return Calibration(**json.loads(FILE.read_text()))


class _Batches(ListSource):
    """Hands out what it was given last, all at once."""

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        return super().fetch(MAX_LIMIT, seconds)


def measure_store() -> tuple[list[Sample], list[float]]:
    """Batch times in rounds through all sizes, and seconds of a flush after each round."""
    info = CollectionInfo("bench", "r1", DIMENSION)
    random = np.random.default_rng(1)
    vector = (random.standard_normal(DIMENSION) / DIMENSION**0.5).astype("<f4").tobytes()
    samples: list[Sample] = []
    flushes: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(path=Path(folder) / "store", index_in_background=False))
        store.open(info)
        source = _Batches([])
        quiet = ConsumerSettings(adapt_seconds=1e6, commit_seconds=1e6)
        loop = Upserter(source, store, Letters(), info, quiet, lambda limit, _: limit, Observer(wall_clock), wall_clock)

        def write(documents: list[int], version: int) -> float:
            source.values = [_record(document, version, vector) for document in documents]
            source.position = 0
            started = time.perf_counter()
            assert loop.step() == len(documents)
            return time.perf_counter() - started

        for start in range(0, DOCUMENTS, MAX_LIMIT):
            write(list(range(start, start + MAX_LIMIT)), 1)
        for number in range(ROUNDS):
            for size in SIZES:
                documents = random.choice(DOCUMENTS, size, replace=False).tolist()
                samples.append(Sample(size, write(documents, number * len(SIZES) + SIZES.index(size) + 2)))
            started = time.perf_counter()
            loop.commit()
            flushes.append(time.perf_counter() - started)
        store.close()
    return samples, flushes


def measure_model() -> dict[str, float]:
    """Median milliseconds of one text, by tokens."""
    model = load_embedder(model_settings())
    figures = {}
    for tokens in TOKENS:
        contents = texts(model, tokens, seed=1)
        times = []
        for _ in range(100):
            text = next(contents)
            started = time.perf_counter()
            model.embed((text,))
            times.append(time.perf_counter() - started)
        figures[str(tokens)] = round(float(np.median(times)) * 1e3, 3)
    return figures


def _record(document: int, version: int, vector: bytes) -> bytes:
    text = f"The text of document {document}, of about as many words as a short paragraph has, in version {version}."
    record = EmbeddingRecord(
        id=f"doc-{document}", op="upsert", version=version, chunks=1, text=text, vector=vector, model="bench",
        revision="r1",
    )  # fmt: skip
    return encode_embedding(record)


def main() -> None:
    machine = describe()
    samples, flushes = measure_store()
    medians = {size: float(np.median([one.seconds for one in samples if one.size == size])) for size in SIZES}
    measured = np.array(list(medians.values()))
    line = np.stack([np.ones(len(SIZES)), np.array(SIZES, dtype=float)], axis=1) / measured[:, None]
    fixed, per_item = np.linalg.lstsq(line, np.ones(len(SIZES)), rcond=None)[0]
    ratios = [np.log(one.seconds / medians[one.size]) for one in samples]
    found = Calibration(
        fixed_ms=round(float(fixed) * 1e3, 3),
        per_item_ms=round(float(per_item) * 1e3, 4),
        spread=round(float(np.std(ratios)), 3),
        flush_ms=round(float(np.median(flushes)) * 1e3, 3),
        batch_ms={str(size): round(seconds * 1e3, 3) for size, seconds in medians.items()},
        model_ms=measure_model(),
        machine=machine,
    )
    FILE.write_text(json.dumps(asdict(found), indent=2) + "\n")
    print(FILE.read_text())


if __name__ == "__main__":
    main()
