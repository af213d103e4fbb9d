"""Time and size of the two encodings of a record on vector-embeddings: ``python -m tests.bench.codec``.

One thread, a few seconds. Each figure is the best of several rounds, since other programs share the cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from freshet.codec import decode_embedding, encode_embedding
from freshet.events import EmbeddingRecord

DIMENSION = 384
ROUNDS = 15
CALLS = 2_000
SENTENCE = "The broker acknowledges a record once it has written it to its own log. "


def record(chars: int) -> EmbeddingRecord:
    """A chunk as the job writes it, with the metadata that the file producer gives."""
    vector = np.random.default_rng(7).standard_normal(DIMENSION).astype("<f4")
    return EmbeddingRecord(
        id="file:kafka/acks-and-durability.md",
        op="upsert",
        version=1_763_708_400_123_456_789,
        chunk=2,
        chunks=5,
        text=(SENTENCE * (chars // len(SENTENCE) + 1))[:chars],
        vector=(vector / np.linalg.norm(vector)).astype("<f4").tobytes(),
        metadata={
            "path": "kafka/acks-and-durability.md",
            "name": "acks-and-durability.md",
            "type": "md",
            "size": 2048,
            "mtime": "2026-11-21T07:00:00.123456Z",
            "title": "Acknowledgements and durability",
        },
        source="files",
        model="sentence-transformers/all-MiniLM-L6-v2",
        revision="0123456789ab",
    )


def microseconds(call: Callable[[], object]) -> float:
    """Per call, in the best of ROUNDS rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, time.perf_counter() - started)
    return best / CALLS * 1e6


def main() -> None:
    print("| text, characters | encoding | bytes | encode µs | decode µs |")
    print("|---|---|---|---|---|")
    for chars in (70, 500, 1_000):
        one = record(chars)
        for name, as_json in (("msgpack", False), ("JSON", True)):
            value = encode_embedding(one, as_json=as_json)
            assert decode_embedding(value) == one
            encode = microseconds(lambda one=one, as_json=as_json: encode_embedding(one, as_json=as_json))  # type: ignore[misc]
            decode = microseconds(lambda value=value: decode_embedding(value))  # type: ignore[misc]
            print(f"| {chars} | {name} | {len(value)} | {encode:.2f} | {decode:.2f} |")


if __name__ == "__main__":
    main()
