"""The receiving end of OTLP over HTTP: decodes what is exported, as a collector would."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from freshet.stack.process import free_port


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """Ids in hexadecimal; ``parent`` is empty for a root. Times in ns since the epoch."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent: str
    start: int
    end: int
    facts: dict[str, Any]


class Collector:
    """Between ``start`` and ``stop``, which may be called again and again: always at the same address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.spans: list[ReceivedSpan] = []
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces", self.path
                collector.spans += _spans(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def of_document(self, document_id: str) -> dict[str, ReceivedSpan]:
        """The spans, by name, of the one trace that mentions this document; empty while there is none."""
        traces = {span.trace_id for span in self.spans if span.facts.get("freshet.document.id") == document_id}
        assert len(traces) <= 1
        return {span.name: span for span in self.spans if span.trace_id in traces}

    def of_trace(self, trace_id: str) -> dict[str, ReceivedSpan]:
        return {span.name: span for span in self.spans if span.trace_id == trace_id}


def _spans(request: ExportTraceServiceRequest) -> list[ReceivedSpan]:
    found = []
    for of_resource in request.resource_spans:
        service = next(one.value.string_value for one in of_resource.resource.attributes if one.key == "service.name")
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                facts = {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}
                ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                times = (span.start_time_unix_nano, span.end_time_unix_nano)
                found.append(ReceivedSpan(service, span.name, *ids, *times, facts))
    return found
