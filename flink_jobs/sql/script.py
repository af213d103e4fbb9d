"""The statements of the SQL job, from the same tables as the Python job's."""

from __future__ import annotations

import textwrap

from flink_jobs.flink_settings import flink_settings
from flink_jobs.predict import predict
from flink_jobs.served_model import ServedModel
from flink_jobs.settings import JobSettings
from flink_jobs.sql.decode import decoded_view, judged_view
from flink_jobs.sql.encode import insert
from flink_jobs.tables import quoted, sink_table, source_table
from freshet.settings import KafkaSettings

NAME = "freshet-ingestion-sql"
VERSION_DAYS = 7
"""A document silent for so long leaves the guard's state; what then comes late, the consumer refuses."""
ANSWER_MINUTES = 10
"""What has no vector by then is a dead letter. Longer than all of a request's retries."""


def script(job: JobSettings, kafka: KafkaSettings, model: ServedModel) -> str:
    """For ``sql-client.sh -f``. Ends once the job is submitted."""
    settings = {**flink_settings(job), "pipeline.name": NAME, "table.exec.state.ttl": f"{VERSION_DAYS} d"}
    # Nothing of Python runs in it.
    lines = [f"SET '{name}' = '{value}'" for name, value in settings.items() if not name.startswith("python.")]
    statements = [
        *lines,
        source_table(kafka),
        sink_table(kafka),
        _model(job, model),
        decoded_view(),
        judged_view(),
        _fresh_view(),
        _answered_view(job),
        insert(model, ANSWER_MINUTES),
    ]
    return _HEAD + "\n\n".join(textwrap.dedent(one).strip() + ";" for one in statements) + "\n"


def _model(job: JobSettings, model: ServedModel) -> str:
    return f"""
        CREATE TEMPORARY MODEL embedder
        INPUT (`text` STRING)
        OUTPUT (vector ARRAY<FLOAT>)
        WITH (
            'provider' = 'openai', 'endpoint' = {quoted(job.endpoint)}, 'api-key' = {quoted(job.key())},
            'model' = {quoted(job.model_name or model.pinned_name)},
            'error-handling-strategy' = 'retry', 'retry-num' = '{job.retries}', 'retry-fallback-strategy' = 'ignore'
        )"""


def _fresh_view() -> str:
    return """
        -- A version below the highest that came of its document is dropped before it costs a request.
        CREATE TEMPORARY VIEW fresh AS
        SELECT * FROM (
            SELECT *, MAX(version) OVER (
                PARTITION BY COALESCE(id, '') ORDER BY arrived ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS highest
            FROM judged
        ) WHERE reason IS NOT NULL OR version >= highest"""


def _answered_view(job: JobSettings) -> str:
    call = predict("asked", "asked_text", job.retries, job.concurrency)
    return f"""
        CREATE TEMPORARY VIEW asked AS
        SELECT `partition`, `offset`, COALESCE(embed, '-') AS asked_text FROM fresh;

        CREATE TEMPORARY VIEW answered AS
        SELECT `partition`, `offset`, vector, PROCTIME() AS answered_at
        FROM {call}"""


_HEAD = """\
-- The ingestion job in SQL alone, for a cluster without Python. Written by `python -m flink_jobs.sql`: do not edit.
-- What it does and does not: docs/flink.md. Needs in Flink's lib/: flink-sql-connector-kafka and flink-model-openai;
-- bin/sql-client.sh -f ingestion.sql

"""
