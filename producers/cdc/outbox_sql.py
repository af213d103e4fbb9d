"""What makes an outbox, and lets triggers of the captured tables write into it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from producers.cdc.capture import CapturedTable, Outbox
from producers.cdc.database import identifier, literal, qualified, quoted
from producers.cdc.identity import SEPARATOR

_SHOWN_BYTES: Final = 36
_MOST_PAIRS: Final = 50
"""Of one call of jsonb_build_object."""


def outbox_sql(outbox: Outbox, tables: tuple[CapturedTable, ...] = ()) -> str:
    """Makes the table, and for each of ``tables`` the trigger that fills it and the backfill that begins it.

    A row is inserted and deleted again at once: the log has it, and the table stays empty.
    """
    statements = [_table(outbox)]
    for table in tables:
        statements += [_trigger(outbox, table), _backfill(outbox, table)]
    return "\n".join(statements)


def _table(outbox: Outbox) -> str:
    return f"""\
CREATE TABLE IF NOT EXISTS {qualified(outbox.table)} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id text NOT NULL,
    op text NOT NULL CHECK (op IN ('upsert', 'delete')),
    text text,
    metadata jsonb NOT NULL DEFAULT '{{}}',
    tenant text NOT NULL DEFAULT ''
);
"""


def _trigger(outbox: Outbox, table: CapturedTable) -> str:
    name = _function(table)
    new = f"{_text(table, 'NEW')}, {_metadata(table, 'NEW')}, {_tenant(table, 'NEW')}"
    return f"""\
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $freshet$
DECLARE
    written bigint;
    gone bigint[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        WITH told AS (
            INSERT INTO {qualified(outbox.table)} (document_id, op)
            SELECT {_key(table, "t")}, 'delete' FROM {qualified(table.table)} AS t RETURNING id)
        SELECT array_agg(id) INTO gone FROM told;
        DELETE FROM {qualified(outbox.table)} WHERE id = ANY (gone);
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND ({_key(table, "OLD")}) IS DISTINCT FROM ({_key(table, "NEW")})) THEN
        INSERT INTO {qualified(outbox.table)} (document_id, op) VALUES ({_key(table, "OLD")}, 'delete')
        RETURNING id INTO written;
        DELETE FROM {qualified(outbox.table)} WHERE id = written;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO {qualified(outbox.table)} (document_id, op, text, metadata, tenant)
        VALUES ({_key(table, "NEW")}, 'upsert', {new})
        RETURNING id INTO written;
        DELETE FROM {qualified(outbox.table)} WHERE id = written;
    END IF;
    RETURN NULL;
END $freshet$;
CREATE OR REPLACE TRIGGER "freshet_outbox" AFTER INSERT OR UPDATE OR DELETE ON {qualified(table.table)}
    FOR EACH ROW EXECUTE FUNCTION {name}();
-- Before, as its rows are still there to be named then.
CREATE OR REPLACE TRIGGER "freshet_outbox_truncate" BEFORE TRUNCATE ON {qualified(table.table)}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


def _backfill(outbox: Outbox, table: CapturedTable) -> str:
    values = f"{_key(table, 't')}, 'upsert', {_text(table, 't')}, {_metadata(table, 't')}, {_tenant(table, 't')}"
    return f"""\
-- Once the capture runs: the rows that are there already. FOR UPDATE keeps a row's order with changes made meanwhile.
WITH locked AS (SELECT * FROM {qualified(table.table)} FOR UPDATE), written AS (
    INSERT INTO {qualified(outbox.table)} (document_id, op, text, metadata, tenant) SELECT {values} FROM locked AS t
    RETURNING id)
SELECT count(*) FROM written;
DELETE FROM {qualified(outbox.table)};
"""


def _column(row: str, name: str) -> str:
    return f"{row}.{quoted(name)}"


def _function(table: CapturedTable) -> str:
    """Its own for each table, also where names differ in a dot alone, or behind the 63 bytes that a name may have."""
    digest = hashlib.blake2b(table.table.encode(), digest_size=4).hexdigest()
    shown = table.table.encode()[:_SHOWN_BYTES].decode(errors="ignore").replace(".", "_")
    return str(identifier(f"freshet_outbox_{shown}_{digest}"))


def _key(table: CapturedTable, row: str) -> str:
    """With several columns, what stands between them is escaped in them."""
    columns = [f"{_column(row, name)}::text" for name in table.key]
    if len(columns) > 1:
        columns = [f"replace(replace({one}, '%', '%25'), {literal(SEPARATOR)}, '%2F')" for one in columns]
    parts = f" || {literal(SEPARATOR)} || ".join(columns)
    return f"{literal(table.table + SEPARATOR)} || {parts}"


def _text(table: CapturedTable, row: str) -> str:
    """Only a template of literals and plain columns can be said in SQL. Raises UsageError."""
    return " || ".join(
        literal(piece) if is_text else f"coalesce({_column(row, piece)}::text, '')"
        for is_text, piece in table.template.pieces()
    )


def _metadata(table: CapturedTable, row: str) -> str:
    pairs = [f"{literal(name)}, {_column(row, name)}" for name in table.metadata]
    objects = [f"jsonb_build_object({', '.join(one)})" for one in _pieces(pairs, _MOST_PAIRS)]
    return " || ".join(objects) or "'{}'"


def _pieces(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _tenant(table: CapturedTable, row: str) -> str:
    return "''" if table.tenant is None else f"coalesce({_column(row, table.tenant)}::text, '')"
