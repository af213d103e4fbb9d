"""The topics, their shape, and who reads them. Local stack, tests and manifests all take them from here."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_RECORD_BYTES = 1_048_576
"""Of a record on any topic; the broker's message.max.bytes."""
MAX_DEAD_LETTER_BYTES = 2 * MAX_RECORD_BYTES
"""A dead letter is the largest record with further headers."""
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """``partitions`` bounds how many subtasks or consumers can share the work; order holds within one key."""

    name: str
    partitions: int
    retention_ms: int
    config: dict[str, str] = field(default_factory=dict)


DOCUMENTS = Topic("documents", partitions=4, retention_ms=7 * DAY_MS)
EMBEDDINGS = Topic("vector-embeddings", partitions=4, retention_ms=7 * DAY_MS)
DEAD_LETTERS = Topic(
    "dead-letters", partitions=1, retention_ms=30 * DAY_MS, config={"max.message.bytes": str(MAX_DEAD_LETTER_BYTES)}
)
TOPICS = (DOCUMENTS, EMBEDDINGS, DEAD_LETTERS)

JOB_GROUP = "freshet-flink-job"
CONSUMER_GROUP = "freshet-consumer"
