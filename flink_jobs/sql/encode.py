"""From fields and vector to the record, or to the dead letter."""

from __future__ import annotations

from flink_jobs.intake import STAGE
from flink_jobs.served_model import ServedModel
from flink_jobs.tables import quoted
from freshet import headers
from freshet.topics import DEAD_LETTERS, DOCUMENTS, EMBEDDINGS

UNANSWERED = "the server gave no vector: it was away, or refused the text as too long; its log says which"


def insert(model: ServedModel, minutes: int) -> str:
    """Each record with its answer. One without, since a failed request yields no row here, is dead when time is up."""
    record = [
        ("id", "JSON_STRING(id)"),
        ("op", "JSON_STRING(op)"),
        ("version", "CAST(version AS STRING)"),
        ("part", "CAST(part AS STRING)"),
        ("last", "`final`"),
        ("chunk", "'0'"),
        ("chunks", "CASE WHEN embed IS NULL THEN '0' ELSE '1' END"),
        ("text", "COALESCE(JSON_STRING(embed), '\"\"')"),
        ("vector", "CASE WHEN embed IS NULL THEN '\"\"' ELSE JSON_STRING(vector) END"),
        ("metadata", "metadata"),
        ("tenant", "JSON_STRING(tenant)"),
        ("source", "JSON_STRING(source)"),
        ("occurred_at", "COALESCE(JSON_STRING(occurred_at), 'null')"),
        ("model", quoted(f'"{model.model}"')),
        ("revision", quoted(f'"{model.revision}"')),
    ]
    value = "\n                || ".join(
        f"'{'{' if not number else ','}\"{name}\":' || {expression}" for number, (name, expression) in enumerate(record)
    )
    marks = {
        headers.DEAD_STAGE: f"'{STAGE}'",
        headers.DEAD_REASON: "dead",
        headers.DEAD_DETAIL: f"CASE WHEN reason IS NULL THEN {quoted(UNANSWERED)} ELSE 'found by the SQL job' END",
        headers.DEAD_TOPIC: f"'{DOCUMENTS.name}'",
        headers.DEAD_PARTITION: "CAST(`partition` AS STRING)",
        headers.DEAD_OFFSET: "CAST(`offset` AS STRING)",
        headers.DEAD_ATTEMPTS: "'1'",
        headers.DEAD_MODEL: f"'{model.revision}'",
    }
    said = ",\n                    ".join(f"'{name}', CAST({mark} AS BYTES)" for name, mark in marks.items())
    stamp = (
        "CAST(UNIX_TIMESTAMP(DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd HH:mm:ss')) AS STRING) "
        "|| DATE_FORMAT(CURRENT_TIMESTAMP, 'SSS') || '000000'"
    )
    return f"""
        INSERT INTO results
        SELECT CASE WHEN dead IS NULL THEN '{EMBEDDINGS.name}' ELSE '{DEAD_LETTERS.name}' END,
               CASE WHEN dead IS NULL THEN CAST(id AS BYTES) ELSE k END,
               CASE WHEN dead IS NOT NULL THEN v ELSE CAST(
                {value} || '}}' AS BYTES) END,
               CASE WHEN dead IS NULL
                THEN MAP_UNION(headers, MAP['{headers.EMBEDDED}', CAST({stamp} AS BYTES)])
                ELSE MAP_UNION(headers, MAP[
                    {said}]) END
        FROM (
            SELECT f.*, a.vector,
                   CASE WHEN f.reason IS NOT NULL THEN f.reason
                        WHEN f.embed IS NOT NULL AND a.vector IS NULL THEN 'model-failed' END AS dead
            FROM fresh AS f LEFT JOIN answered AS a
              ON f.`partition` = a.`partition` AND f.`offset` = a.`offset`
             AND a.answered_at BETWEEN f.arrived - INTERVAL '{minutes}' MINUTE
                                   AND f.arrived + INTERVAL '{minutes}' MINUTE
        )"""
