"""The outbox: a table into which the application writes the document itself, in the transaction of its own change."""

from __future__ import annotations

from typing import Final

from freshet.errors import RejectedRecord
from freshet.events import Metadata
from producers.cdc.capture import Capture
from producers.cdc.document import Content, add_field
from producers.cdc.envelope import Change
from producers.cdc.identity import SEPARATOR
from producers.cdc.mapping import Delete, Upsert
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
    given = row.get("metadata") or {}
    if not isinstance(given, dict):
        raise RejectedRecord("invalid-outbox", "metadata is no JSON object")
    metadata: Metadata = {}
    for field, value in given.items():
        add_field(metadata, field, value)
    return Upsert(document_id, version, Content(str(row.get("text") or ""), metadata, str(row.get("tenant") or "")))
