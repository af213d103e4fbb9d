"""From raw bytes to fields, and the reasons for which a record is refused."""

from __future__ import annotations

from freshet.events import MAX_METADATA_BYTES
from freshet.ids import MAX_ID_BYTES

MAX_CHARS = 2_000
"""Of a text: above, it is more than the packaged model's 256 tokens for sure. Below, the server counts."""


def decoded_view() -> str:
    """One column for each field; a record that nobody can read has none."""
    fields = {
        "id": "JSON_VALUE(doc, '$.id')",
        "op": "JSON_VALUE(doc, '$.op')",
        "version": "TRY_CAST(JSON_VALUE(doc, '$.version') AS BIGINT)",
        "`text`": "JSON_VALUE(doc, '$.text')",
        "metadata": "COALESCE(JSON_QUERY(doc, '$.metadata'), '{}')",
        "tenant": "COALESCE(JSON_VALUE(doc, '$.tenant'), '')",
        "source": "COALESCE(JSON_VALUE(doc, '$.source'), '')",
        "occurred_at": "JSON_VALUE(doc, '$.occurred_at')",
        "part": "COALESCE(TRY_CAST(JSON_VALUE(doc, '$.part') AS INT), 0)",
        "final": "COALESCE(JSON_VALUE(doc, '$.last'), 'true')",
    }
    said = ",\n               ".join(f"{expression} AS {name}" for name, expression in fields.items())
    return f"""
        CREATE TEMPORARY VIEW decoded AS
        SELECT k, v, headers, `partition`, `offset`, arrived, doc,
               {said}
        FROM (SELECT *, CAST(v AS STRING) AS doc FROM documents)"""


def judged_view() -> str:
    """The first reason that applies, and the text to embed; none for a delete and for white space."""
    reasons = {
        "empty-record": "v IS NULL OR doc = ''",
        "not-json": "doc IS NOT JSON VALUE",
        "invalid-field": "doc IS NOT JSON OBJECT OR id IS NULL OR op IS NULL OR op NOT IN ('upsert', 'delete') "
        "OR version IS NULL OR version < 0 OR part < 0 OR `final` NOT IN ('true', 'false')",
        "invalid-id": f"id = '' OR CHAR_LENGTH(id) > {MAX_ID_BYTES} OR REGEXP(id, '[\\p{{Cntrl}}]')",
        "key-mismatch": "k IS NOT NULL AND CAST(k AS STRING) <> id",
        "missing-text": "op = 'upsert' AND `text` IS NULL",
        "metadata-too-large": f"CHAR_LENGTH(metadata) > {MAX_METADATA_BYTES}",
        "text-too-long": f"op = 'upsert' AND CHAR_LENGTH(`text`) > {MAX_CHARS}",
    }
    cases = "\n                    ".join(f"WHEN {when} THEN '{reason}'" for reason, when in reasons.items())
    return f"""
        CREATE TEMPORARY VIEW judged AS
        SELECT *, CASE WHEN reason IS NULL AND op = 'upsert' AND bare <> '' THEN bare END AS embed
        FROM (
            SELECT *, REGEXP_REPLACE(`text`, '^\\s+|\\s+$', '') AS bare,
                CASE
                    {cases}
                END AS reason
            FROM decoded
        )"""
