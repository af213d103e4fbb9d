"""The SQL of the job: the two tables, and the statement that connects them."""

from __future__ import annotations

from collections.abc import Mapping

from flink_jobs.conversation import ARRIVALS_PER_MESSAGE, THREAD
from flink_jobs.intake import STAGE
from freshet import headers
from freshet.kafka_security import JAVA_PACKAGE, java_security
from freshet.settings import KafkaSettings
from freshet.topics import DEAD_LETTERS, DOCUMENTS, EMBEDDINGS, JOB_GROUP, MAX_DEAD_LETTER_BYTES

CONNECTOR_PACKAGE = f"org.apache.flink.kafka.shaded.{JAVA_PACKAGE}"
"""Flink's connector for SQL carries Kafka's client under a name of its own."""


def source_table(kafka: KafkaSettings) -> str:
    """DDL of ``documents``: raw bytes, so that a record nobody can read still arrives and can be dead-lettered."""
    return f"""
        CREATE TABLE documents (
            k BYTES,
            v BYTES,
            headers MAP<STRING, BYTES> METADATA,
            `partition` INT METADATA VIRTUAL,
            `offset` BIGINT METADATA VIRTUAL,
            arrived AS PROCTIME()
        ) WITH (
            'connector' = 'kafka', 'topic' = '{DOCUMENTS.name}',
            'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY',
            'scan.startup.mode' = 'group-offsets',
            {_properties(kafka, {"group.id": JOB_GROUP, "auto.offset.reset": "earliest"})}
        )"""


def sink_table(kafka: KafkaSettings) -> str:
    """DDL of the one sink for both topics: each row names its own, so that the model runs once per record."""
    producer = {
        "linger.ms": "0",
        "acks": "all",
        "max.request.size": str(MAX_DEAD_LETTER_BYTES),
    }
    return f"""
        CREATE TABLE results (
            topic STRING NOT NULL METADATA,
            k BYTES,
            v BYTES,
            headers MAP<STRING, BYTES> METADATA
        ) WITH (
            'connector' = 'kafka', 'topic' = '{EMBEDDINGS.name};{DEAD_LETTERS.name}',
            'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY',
            'sink.delivery-guarantee' = 'at-least-once',
            {_properties(kafka, producer)}
        )"""


def conversations_view(messages: int) -> str:
    """Each record with what arrived before it in its conversation, itself the last: keyed state in Java.

    It survives in checkpoints and expires by the job's time to live. A record without a conversation is a key of its
    own and keeps nothing. Conversations of two tenants that are called the same are two.
    """
    text = "CAST(v AS STRING)"
    thread = f"JSON_VALUE({text}, '$.metadata.{THREAD}')"
    tenant = f"COALESCE(JSON_VALUE({text}, '$.tenant'), '')"
    return f"""
        CREATE TEMPORARY VIEW spoken AS
        SELECT k, v, headers, `partition`, `offset`,
               ARRAY_AGG(CASE WHEN thread IS NULL THEN CAST('' AS BYTES) ELSE v END) OVER (
                   PARTITION BY COALESCE('t' || tenant_length || tenant || thread, 'k' || CAST(k AS STRING), '')
                   ORDER BY arrived ROWS BETWEEN {messages * ARRIVALS_PER_MESSAGE} PRECEDING AND CURRENT ROW
               ) AS arrivals
        FROM (
            SELECT *, CAST(CHAR_LENGTH(tenant) AS STRING) AS tenant_length
            FROM (SELECT *, {thread} AS thread, {tenant} AS tenant FROM documents)
        )"""


def in_process(documents: str, arguments: str) -> str:
    """The FROM clause with the model in the function: ``d`` is the record as it came, ``o`` what it became."""
    return f"""{documents} AS d,
             LATERAL TABLE(ingest({arguments})) AS o(topic, k, v, embedded_at, reason, detail, attempts)"""


def pipeline(source: str, revision: str) -> str:
    """The INSERT. Headers pass by in Java; a dead letter gains those that say where it came from and why."""
    dead = {
        headers.DEAD_STAGE: f"'{STAGE}'",
        headers.DEAD_REASON: "o.reason",
        headers.DEAD_DETAIL: "o.detail",
        headers.DEAD_TOPIC: f"'{DOCUMENTS.name}'",
        headers.DEAD_PARTITION: "CAST(d.`partition` AS STRING)",
        headers.DEAD_OFFSET: "CAST(d.`offset` AS STRING)",
        headers.DEAD_ATTEMPTS: "o.attempts",
        headers.DEAD_MODEL: f"'{revision}'",
    }
    marks = ", ".join(f"'{name}', CAST({value} AS BYTES)" for name, value in dead.items())
    stamp = f"'{headers.EMBEDDED}', CAST(o.embedded_at AS BYTES)"
    return f"""
        INSERT INTO results
        SELECT o.topic,
               CASE WHEN o.reason IS NULL THEN o.k ELSE d.k END,
               CASE WHEN o.reason IS NULL THEN o.v ELSE d.v END,
               CASE WHEN o.reason IS NULL
                    THEN MAP_UNION(d.headers, MAP[{stamp}])
                    ELSE MAP_UNION(d.headers, MAP[{marks}]) END
        FROM {source}"""


def quoted(value: str) -> str:
    """A SQL string."""
    return "'" + value.replace("'", "''") + "'"


def _properties(kafka: KafkaSettings, more: Mapping[str, str]) -> str:
    every = {"bootstrap.servers": kafka.bootstrap, **more, **java_security(kafka, CONNECTOR_PACKAGE)}
    escaped = {name: value.replace("'", "''") for name, value in every.items()}
    return ",\n            ".join(f"'properties.{name}' = '{value}'" for name, value in escaped.items())
