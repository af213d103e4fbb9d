"""The outbox: a table into which the application writes the document itself, in the transaction of its own change."""

from __future__ import annotations

from typing import Any, Final

from freshet.errors import RejectedRecord
from producers.cdc.capture import Capture, CapturedTable, Outbox
from producers.cdc.database import literal, qualified
from producers.cdc.document import Content
from producers.cdc.envelope import Change
from producers.cdc.identity import SEPARATOR
from producers.cdc.mapping import Delete, Upsert
from producers.cdc.rows import qualified_column
from producers.cdc.version import version_of

_OPS: Final = ("upsert", "delete")


def outbox_event(capture: Capture, change: Change) -> Upsert | Delete | None:
    """None for anything but an insert: rows may be deleted from the outbox at once. Raises RejectedRecord."""
    if change.op not in ("c", "r") or change.after is None:
        return None
    row = change.after
    name, op = row.get("document_id"), row.get("op")
    if not isinstance(name, str) or not name or op not in _OPS:
        raise RejectedRecord(
            "invalid-outbox", f"document_id {name!r}, op {op!r}: an id and upsert or delete are needed"
        )
    document_id = f"{capture.name}{SEPARATOR}{name}"
    version = version_of(change.position, alive=op == "upsert", epoch=capture.epoch)
    if op == "delete":
        return Delete(document_id, version)
    metadata = row.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise RejectedRecord("invalid-outbox", "metadata is no JSON object")
    return Upsert(document_id, version, Content(str(row.get("text") or ""), metadata, str(row.get("tenant") or "")))


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
    name = table.table.replace(".", "_")
    function = f'"freshet_outbox_{name}"'
    new = f"{_text(table, 'NEW')}, {_metadata(table, 'NEW')}, {_tenant(table, 'NEW')}"
    return f"""\
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $freshet$
DECLARE written bigint;
BEGIN
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
    FOR EACH ROW EXECUTE FUNCTION {function}();
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
    return f"{row}.{qualified_column(name).removeprefix('t.')}"


def _key(table: CapturedTable, row: str) -> str:
    parts = f" || {literal(SEPARATOR)} || ".join(f"{_column(row, name)}::text" for name in table.key)
    return f"{literal(table.table + SEPARATOR)} || {parts}"


def _text(table: CapturedTable, row: str) -> str:
    """Only a template of literals and plain columns can be said in SQL. Raises UsageError."""
    return " || ".join(
        literal(piece) if is_text else f"coalesce({_column(row, piece)}::text, '')"
        for is_text, piece in table.template.pieces()
    )


def _metadata(table: CapturedTable, row: str) -> str:
    pairs = ", ".join(f"{literal(name)}, {_column(row, name)}" for name in table.metadata)
    return f"jsonb_build_object({pairs})"


def _tenant(table: CapturedTable, row: str) -> Any:
    return "''" if table.tenant is None else f"coalesce({_column(row, table.tenant)}::text, '')"
