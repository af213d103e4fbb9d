"""The same load one topic later: changes as records on ``vector-embeddings``, with made-up vectors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future

from freshet.codec import encode_embedding
from freshet.embedding import Embedder
from freshet.errors import FreshetError
from freshet.events import EmbeddingRecord
from freshet.headers import EMBEDDED, PUBLISHED, SOURCE_COMMIT
from freshet.publishing import Receipt
from freshet.publishing.records import Delivered
from freshet.settings import KafkaSettings
from freshet.topics import EMBEDDINGS
from tests.faults.harness.ledger import Change, Ledger
from tests.faults.harness.plan import Step
from tests.faults.harness.sender import Sender

CHUNK_CHARS = 120


def chunks_of(text: str) -> list[str]:
    """Pieces of equal length: this load needs no meaning."""
    return [text[start : start + CHUNK_CHARS] for start in range(0, len(text), CHUNK_CHARS)]


class VectorSender(Sender):
    """A change is acknowledged when each of its chunks is."""

    def __init__(self, kafka: KafkaSettings, ledger: Ledger, embedder: Embedder) -> None:
        super().__init__(kafka, ledger)
        self._embedder = embedder

    def send(self, step: Step, source: str = "", committed_ns: int | None = None) -> Future[Receipt]:
        assert isinstance(step, Change), "a load of vectors has no poison"
        self._ledger.sent(step)
        self._recent.append(step)
        records = self._records_of(step, source)
        done: Future[Receipt] = Future()
        left = len(records)

        def report(outcome: Delivered | FreshetError) -> None:
            nonlocal left
            left -= 1
            if isinstance(outcome, FreshetError):
                left = -1
            elif left == 0:
                self._ledger.acknowledged(step)
                receipt = Receipt(step.document_id, step.version, 1, outcome.topic, outcome.partition, outcome.offset)
                done.set_result(receipt)

        now = str(time.time_ns()).encode()
        headers: list[tuple[str, bytes | None]] = [(name, now) for name in (SOURCE_COMMIT, PUBLISHED, EMBEDDED)]
        for record in records:
            key = step.document_id.encode()
            self._records.send(EMBEDDINGS.name, key, encode_embedding(record), headers, report)
        return done

    def _records_of(self, change: Change, source: str) -> Sequence[EmbeddingRecord]:
        if change.op == "delete":
            return [EmbeddingRecord(id=change.document_id, op="delete", version=change.version, source=source)]
        texts = chunks_of(change.text)
        vectors = self._embedder.embed(texts)
        return [
            EmbeddingRecord(
                id=change.document_id,
                op="upsert",
                version=change.version,
                source=source,
                chunk=number,
                chunks=len(texts),
                text=text,
                vector=vector.tobytes(),
                metadata={"doc": change.document_id},
                model=self._embedder.model,
                revision=self._embedder.revision,
            )
            for number, (text, vector) in enumerate(zip(texts, vectors, strict=True))
        ]
