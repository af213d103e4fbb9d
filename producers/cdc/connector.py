"""What Debezium is told: one source for the local worker and for the manifest."""

from __future__ import annotations

import re
from typing import Final

from producers.cdc.address import VERIFYING, Address
from producers.cdc.capture import Capture

CLASS: Final = "io.debezium.connector.postgresql.PostgresConnector"
PLACEHOLDER: Final = "__debezium_unavailable_value"
SOURCE_TYPE_OF: Final = r".+\.(numeric|_numeric)"
"""Types whose columns say in their schema what they are."""
MESSAGE_PREFIX: Final = "freshet-heartbeat"
HEARTBEAT_MS: Final = 5_000
MAX_RECORD_BYTES: Final = 32 << 20
"""Of a captured row; the document that comes of it travels in parts."""


def connector_config(capture: Capture, password: str | None = None) -> dict[str, str]:
    """Properties of the connector. ``password`` replaces the capture's, for example by a reference to a secret."""
    config = {
        "connector.class": CLASS,
        "tasks.max": "1",
        "database.hostname": capture.host,
        "database.port": str(capture.port),
        "database.user": capture.role,
        "database.password": capture.password.get_secret_value() if password is None else password,
        "database.dbname": capture.database,
        **_tls(capture.address),
        "topic.prefix": capture.topic_prefix,
        "plugin.name": "pgoutput",
        "slot.name": capture.slot,
        "publication.name": capture.slot,
        # `freshet cdc add` makes it, and says what is missing where it may not.
        "publication.autocreate.mode": "disabled",
        "table.include.list": ",".join(re.escape(table).replace(r"\ ", " ") for table in capture.captured),
        # Rows that are there already are read by the producer, beside the changes and not before them.
        "snapshot.mode": "no_data",
        "skipped.operations": "none",
        "tombstones.on.delete": "false",
        # Each value as PostgreSQL itself would write it, without loss.
        "decimal.handling.mode": "string",
        # Else a numeric's NaN could not be told from a text that says so.
        "datatype.propagate.source.type": SOURCE_TYPE_OF,
        "time.precision.mode": "isostring",
        "interval.handling.mode": "string",
        "hstore.handling.mode": "json",
        "binary.handling.mode": "hex",
        "include.unknown.datatypes": "true",
        "unavailable.value.placeholder": PLACEHOLDER,
        # Latency: by default a change waits up to half a second, and once more for others to fill a batch.
        "poll.interval.ms": "10",
        "max.batch.size": "1",
        "max.queue.size": "4096",
        "max.queue.size.in.bytes": str(64 << 20),
        "producer.override.linger.ms": "0",
        "producer.override.compression.type": "lz4",
        "producer.override.max.request.size": str(MAX_RECORD_BYTES),
        "producer.override.buffer.memory": str(2 * MAX_RECORD_BYTES),
        "status.update.interval.ms": "1000",
        # A write of its own keeps the slot moving while only tables that are not captured change.
        "heartbeat.interval.ms": str(HEARTBEAT_MS),
        "heartbeat.action.query": f"SELECT pg_logical_emit_message(false, '{MESSAGE_PREFIX}', '')",
        "message.prefix.exclude.list": MESSAGE_PREFIX,
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
    keys = [f"{re.escape(table.table)}:{','.join(table.key)}" for table in capture.tables]
    if keys:
        config["message.key.columns"] = ";".join(keys)
    return config | capture.connector


def _tls(address: Address) -> dict[str, str]:
    """As ``tls.ssl_context`` has it. Left out, PostgreSQL's driver takes TLS where the server has it."""
    if not address.ssl_mode:
        return {}
    found = {"database.sslmode": address.ssl_mode}
    if address.ssl_root_cert:
        found["database.sslrootcert"] = address.ssl_root_cert
    elif address.ssl_mode in VERIFYING:
        # Else its driver demands a file in its home; this one takes the authorities that the JVM trusts.
        found["database.sslfactory"] = "org.postgresql.ssl.DefaultJavaSSLFactory"
    return found
