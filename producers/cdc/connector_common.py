"""What every connector of a capture is told, whatever its database."""

from __future__ import annotations

import re
from typing import Final

from producers.cdc.capture import Capture

HEARTBEAT_MS: Final = 5_000
MAX_RECORD_BYTES: Final = 32 << 20
"""Of a captured row; the document that comes of it travels in parts."""


def included(capture: Capture) -> str:
    """The captured tables as a list of regular expressions."""
    return ",".join(re.escape(table).replace(r"\ ", " ") for table in capture.captured)


def keys(capture: Capture) -> dict[str, str]:
    """By which columns a relational connector names a row."""
    named = [f"{re.escape(table.table)}:{','.join(table.key)}" for table in capture.tables]
    return {"message.key.columns": ";".join(named)} if named else {}


def common(capture: Capture) -> dict[str, str]:
    """Topics, latency, recovery, and records that carry their schema."""
    return {
        "tasks.max": "1",
        "topic.prefix": capture.topic_prefix,
        "skipped.operations": "none",
        "tombstones.on.delete": "false",
        # Latency: by default a change waits up to half a second, and once more for others to fill a batch.
        "poll.interval.ms": "10",
        "max.batch.size": "1",
        "max.queue.size": "4096",
        "max.queue.size.in.bytes": str(64 << 20),
        "producer.override.linger.ms": "0",
        "producer.override.compression.type": "lz4",
        "producer.override.max.request.size": str(MAX_RECORD_BYTES),
        "producer.override.buffer.memory": str(2 * MAX_RECORD_BYTES),
        "heartbeat.interval.ms": str(HEARTBEAT_MS),
        "topic.heartbeat.prefix": "cdc-heartbeat",
        # Recovery from a database that is away.
        "retriable.restart.connector.wait.ms": "1000",
        "errors.max.retries": "-1",
        "errors.retry.delay.initial.ms": "300",
        "errors.retry.delay.max.ms": "2000",
        "topic.creation.default.replication.factor": "-1",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.max.message.bytes": str(MAX_RECORD_BYTES),
        "topic.creation.default.retention.ms": str(7 * 24 * 3600 * 1000),
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "true",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "true",
        # A number as it is; base64 of its digits is the default.
        "value.converter.decimal.format": "NUMERIC",
        "key.converter.decimal.format": "NUMERIC",
    }
