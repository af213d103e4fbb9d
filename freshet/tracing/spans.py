"""Spans with given ids and times, sent to a collector in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

EXPORT_SECONDS: Final = 5
"""That a collector has to answer; what it does not take is dropped, never waited for."""
WAITING_SPANS: Final = 4_096
CLOSE_SECONDS: Final = 3.0
_SCOPE: Final = "freshet"


class _Ids(RandomIdGenerator):
    """The next span's id where it is said, else a random one. One thread makes all spans."""

    def __init__(self) -> None:
        self.trace_id: int | None = None
        self.span_id: int | None = None

    def generate_span_id(self) -> int:
        given, self.span_id = self.span_id, None
        return given or super().generate_span_id()

    def generate_trace_id(self) -> int:
        given, self.trace_id = self.trace_id, None
        return given or super().generate_trace_id()


class Spans:
    """For one thread. Memory is bounded: what the collector does not take in time is lost, and nothing else is."""

    def __init__(self, endpoint: str) -> None:
        # A collector that is away is said once here, not at each attempt.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
        self._processor = BatchSpanProcessor(exporter, max_queue_size=WAITING_SPANS, schedule_delay_millis=1_000)
        self._ids = _Ids()
        self._tracers: dict[str, trace.Tracer] = {}

    def root(self, service: str, name: str, span: SpanContext, times: tuple[int, int], facts: Facts) -> None:
        """A span without a parent, and with the ids of ``span``. ``times``: start and end in ns since the epoch."""
        self._ids.trace_id, self._ids.span_id = span.trace_id, span.span_id
        self._make(service, name, None, times, facts, SpanKind.PRODUCER)

    def child(
        self,
        service: str,
        name: str,
        parent: SpanContext,
        times: tuple[int, int],
        facts: Facts,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> SpanContext:
        return self._make(service, name, parent, times, facts, kind)

    def close(self) -> None:
        """Send what waits; returns after CLOSE_SECONDS at the latest, whether the collector took it or not."""
        ending = threading.Thread(target=self._processor.shutdown, name="tracing-close", daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)

    def _make(
        self,
        service: str,
        name: str,
        parent: SpanContext | None,
        times: tuple[int, int],
        facts: Facts,
        kind: SpanKind,
    ) -> SpanContext:
        context = trace.set_span_in_context(NonRecordingSpan(parent)) if parent is not None else _ROOT
        start, end = times
        made = self._tracer(service).start_span(name, context, kind, dict(facts), start_time=start)
        # Clocks of two machines may disagree; a span that ends before it starts breaks every viewer.
        made.end(max(start, end))
        return made.get_span_context()

    def _tracer(self, service: str) -> trace.Tracer:
        found = self._tracers.get(service)
        if found is None:
            resource = Resource.create({SERVICE_NAME: service, SERVICE_NAMESPACE: "freshet"})
            provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=self._ids)
            provider.add_span_processor(self._processor)
            found = self._tracers[service] = provider.get_tracer(_SCOPE)
        return found


Facts = Mapping[str, str | int | float | bool]
_ROOT: Final = trace.set_span_in_context(trace.INVALID_SPAN)


def span_context(trace_id: str, span_id: str) -> SpanContext:
    """From the hexadecimal of a traceparent that is sampled."""
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
