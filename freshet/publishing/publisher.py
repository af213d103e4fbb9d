"""Documents to the pipeline: checks, splits, stamps and sends each change."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Final

from freshet.chunking.parts import parts
from freshet.clock import Clock, wall_clock
from freshet.codec import decode_document, encode_document
from freshet.dead_letters import DeadLetter, HeaderList
from freshet.errors import RejectedRecord
from freshet.events import DocumentEvent, Metadata
from freshet.headers import PUBLISHED, SOURCE_COMMIT, TRACEPARENT, new_traceparent
from freshet.publishing.delivery import Delivery, Receipt
from freshet.publishing.records import RecordProducer
from freshet.settings import KafkaSettings, Profile
from freshet.topics import DEAD_LETTERS, DOCUMENTS
from freshet.tracing import TracingSettings
from freshet.tracing.caller import current_traceparent

__all__ = ["Publisher", "Receipt"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Publisher:
    """Publishes to ``documents``. Safe to share between threads; not across a fork.

    Every call sends at once and returns a Future that the delivery reports settle: a Receipt, or the error.
    UnavailableError comes ``timeout_s`` after the call at the latest: nothing waits for ever.
    """

    def __init__(
        self,
        settings: KafkaSettings | None = None,
        profile: Profile = "low-latency",
        *,
        timeout_s: float = 30.0,
        clock: Clock = wall_clock,
        records: RecordProducer | None = None,
        trace_sample: float | None = None,
    ) -> None:
        """``trace_sample`` is the share of changes to trace; without it FRESHET_TRACING_SAMPLE says."""
        self._records = records or RecordProducer(settings or KafkaSettings(), profile, timeout_s=timeout_s)
        self._clock = clock
        self._trace_sample = TracingSettings().sample if trace_sample is None else trace_sample

    def publish(
        self,
        id: str,
        text: str | Iterable[str],
        *,
        version: int,
        metadata: Metadata | None = None,
        tenant: str = "",
        source: str = "",
        occurred_at: datetime | None = None,
        committed_ns: int | None = None,
        traceparent: str | None = None,
    ) -> Future[Receipt]:
        """Send one version of a document, of any length.

        ``text`` may be an iterable of pieces, which is read as it is sent, so that a text never has to fit in memory;
        an error that it raises passes through, and the version, being incomplete, never becomes searchable.
        ``committed_ns`` (ns since the epoch) is when the change was committed at its source, ``occurred_at`` otherwise,
        now where neither is given. Blocks while the local buffer is full. Raises RejectedRecord before anything is
        sent if an argument breaks the contract (id, version, metadata, tenant, source, occurred_at).
        """
        if isinstance(text, bytes | bytearray | memoryview):
            raise RejectedRecord("invalid-text", "the text is bytes: decode it first")
        delivery = Delivery(id, version)
        key, headers = b"", []
        index = 0
        for index, (piece, last) in enumerate(parts([text] if isinstance(text, str) else text)):
            event = DocumentEvent(
                id=id,
                op="upsert",
                version=version,
                text=piece,
                metadata=metadata or {},
                tenant=tenant,
                source=source,
                occurred_at=occurred_at,
                part=index,
                last=last,
            )
            value = _checked(event) if index == 0 else _encoded(event)
            if index == 0:
                key, headers = id.encode(), self._headers(occurred_at, committed_ns, traceparent)
            delivery.raise_if_failed()
            self._records.send(DOCUMENTS.name, key, value, self._stamped(headers), delivery.report)
        delivery.expect(index + 1)
        return delivery.future

    def delete(
        self,
        id: str,
        version: int,
        *,
        tenant: str = "",
        source: str = "",
        occurred_at: datetime | None = None,
        committed_ns: int | None = None,
        traceparent: str | None = None,
    ) -> Future[Receipt]:
        """Send the deletion of a document. Arguments, errors and blocking are those of ``publish``."""
        event = DocumentEvent(
            id=id, op="delete", version=version, tenant=tenant, source=source, occurred_at=occurred_at
        )
        value = _checked(event)
        delivery = Delivery(id, version)
        headers = self._stamped(self._headers(occurred_at, committed_ns, traceparent))
        self._records.send(DOCUMENTS.name, id.encode(), value, headers, delivery.report)
        delivery.expect(1)
        return delivery.future

    def dead_letter(self, letter: DeadLetter) -> Future[Receipt]:
        """Send what can never be published to ``dead-letters``. The receipt's id is the letter's key, its version 0."""
        delivery = Delivery((letter.key or b"").decode("utf-8", "replace"), 0)
        headers = letter.to_headers()
        self._records.send(DEAD_LETTERS.name, letter.key or b"", letter.value, headers, delivery.report)
        delivery.expect(1)
        return delivery.future

    def reach(self, timeout_s: float = 5.0) -> None:
        """Return once a broker answered; raise UnavailableError after ``timeout_s``."""
        self._records.reach(timeout_s)

    def in_flight(self) -> int:
        """Records sent and not yet acknowledged, for callers that pace themselves."""
        return self._records.in_flight()

    def flush(self, timeout_s: float | None = None) -> int:
        """Block until every record has its report or the time is over; returns how many have none."""
        return self._records.flush(timeout_s)

    def close(self, timeout_s: float | None = None) -> None:
        """Flush; what is not acknowledged by then fails with UnavailableError."""
        self._records.close(timeout_s)

    def __enter__(self) -> Publisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _headers(self, occurred_at: datetime | None, committed_ns: int | None, traceparent: str | None) -> HeaderList:
        if committed_ns is None:
            committed_ns = self._clock() if occurred_at is None else _nanoseconds(occurred_at)
        context = traceparent or current_traceparent() or new_traceparent(self._trace_sample)
        return [(TRACEPARENT, context.encode()), (SOURCE_COMMIT, b"%d" % max(0, committed_ns))]

    def _stamped(self, headers: HeaderList) -> HeaderList:
        return [*headers, (PUBLISHED, b"%d" % self._clock())]


def _encoded(event: DocumentEvent) -> bytes:
    try:
        return encode_document(event)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RejectedRecord("invalid-field", f"not encodable as JSON in UTF-8: {error}") from error


def _checked(event: DocumentEvent) -> bytes:
    value = _encoded(event)
    decode_document(value)
    return value


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
