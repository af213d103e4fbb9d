"""The trace of a change, when it has become searchable: a span for each hop, from the stamps that it carries."""

from __future__ import annotations

from opentelemetry.trace import SpanContext, SpanKind

from freshet.changes import WrittenBatch
from freshet.headers import EMBEDDED, PUBLISHED, SOURCE_COMMIT, UPSERTED, parse_traceparent
from freshet.store import Head
from freshet.topics import DOCUMENTS, EMBEDDINGS
from freshet.tracing.spans import Facts, Spans, span_context

PRODUCER = "freshet-producer"
JOB = "freshet-flink-job"
CONSUMER = "freshet-consumer"
_SAMPLED = frozenset("13579bdf")
"""The last bit of the flags, as the last character."""


class ChangeTracer:
    """A listener of ``freshet.changes.Changes``. A change that is not sampled costs it a comparison of text."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def __call__(self, batch: WrittenBatch) -> None:
        for head in batch.finished:
            if head.traceparent[-1:] in _SAMPLED:
                self._trace(head, batch)

    def _trace(self, head: Head, batch: WrittenBatch) -> None:
        context = parse_traceparent(head.traceparent)
        if context is None or not context.sampled:
            return
        parent = span_context(context.trace_id, context.span_id)
        facts: Facts = {
            "freshet.document.id": head.document_id,
            "freshet.document.version": head.version,
            "freshet.operation": "delete" if head.deleted else "upsert",
            "freshet.chunks": head.chunks,
        }
        changed, published, embedded, upserted = (
            head.stamps.get(name) for name in (SOURCE_COMMIT, PUBLISHED, EMBEDDED, UPSERTED)
        )
        started, searchable = batch.started_ns, batch.searchable_ns
        first = next((stamp for stamp in (changed, published, embedded) if stamp is not None), started)
        if context.ours:
            # Nobody else sends the span that the header names.
            self._spans.root(PRODUCER, "change", parent, (first, searchable), facts)
        if changed is not None and published is not None:
            self._hop(PRODUCER, "publish", parent, (changed, published), DOCUMENTS.name, SpanKind.PRODUCER)
        if published is not None and embedded is not None:
            self._hop(JOB, "embed", parent, (published, embedded), EMBEDDINGS.name, SpanKind.CONSUMER)
        if embedded is not None:
            self._hop(CONSUMER, "receive", parent, (embedded, started), EMBEDDINGS.name, SpanKind.CONSUMER)
        size = {"messaging.batch.message_count": batch.records}
        upsert = self._spans.child(CONSUMER, "upsert", parent, (started, searchable), size)
        self._spans.child(
            CONSUMER, "store write", upsert, (upserted or started, searchable), {"db.system": "qdrant"}, SpanKind.CLIENT
        )

    def _hop(
        self, service: str, name: str, parent: SpanContext, times: tuple[int, int], topic: str, kind: SpanKind
    ) -> None:
        facts = {"messaging.system": "kafka", "messaging.destination.name": topic}
        self._spans.child(service, name, parent, times, facts, kind)
