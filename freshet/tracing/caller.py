"""The trace that the calling program is in, where it uses OpenTelemetry."""

from __future__ import annotations

import sys


def current_traceparent() -> str | None:
    """None where there is no span at present. A program that never imported OpenTelemetry does not pay for it."""
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
