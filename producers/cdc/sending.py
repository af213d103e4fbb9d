"""A row's document to the topic, whether it came by the log or was read."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime, timezone
from typing import Any

from producers.cdc.capture import Capture
from producers.cdc.mapping import Upsert
from producers.sink import Sink


def send(sink: Sink, capture: Capture, upsert: Upsert, committed_ns: int | None = None) -> Future[Any]:
    """Raises RejectedRecord. ``committed_ns``: when its transaction was committed, where that is known."""
    content = upsert.content
    return sink.publish(
        upsert.id,
        content.text,
        version=upsert.version,
        metadata=content.metadata,
        tenant=content.tenant,
        source=capture.name,
        occurred_at=datetime.fromtimestamp(committed_ns / 1e9, timezone.utc) if committed_ns else None,
        committed_ns=committed_ns,
    )
