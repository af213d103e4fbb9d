"""What a change means for the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from freshet.errors import RejectedRecord
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.document import Content, content_of
from producers.cdc.envelope import Change
from producers.cdc.identity import document_id, prefix
from producers.cdc.version import version_of


@dataclass(frozen=True, slots=True)
class Upsert:
    id: str
    version: int
    content: Content


@dataclass(frozen=True, slots=True)
class Delete:
    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Truncate:
    """Every document below ``prefix`` with a lower version is gone."""

    prefix: str
    version: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """The change touches neither text nor metadata."""


Meaning = Upsert | Delete | Truncate | Nothing


def meaning_of(capture: Capture, table: CapturedTable, change: Change) -> Meaning:
    """Raises RejectedRecord. A changed key needs no case of its own: Debezium sends it as a delete and a create."""
    # What a snapshot read is as old as its position, and never newer than a change at that position.
    version = version_of(change.position, alive=change.op in ("c", "u"), epoch=capture.epoch)
    if change.op == "t":
        return Truncate(prefix(capture.name, table.table), version)
    name = document_id(capture.name, table.table, key_values(table, change.key))
    if change.op == "d":
        return Delete(name, version)
    if change.after is None:
        raise RejectedRecord("not-an-envelope", f"op {change.op} has no row")
    content = content_of(table, change.after)
    if change.op == "u" and _same(table, change, content):
        return Nothing()
    return Upsert(name, version, content)


def key_values(table: CapturedTable, key: dict[str, Any]) -> list[Any]:
    """The key's columns in the order of the definition. Raises RejectedRecord where one is missing."""
    try:
        return [key[column] for column in table.key]
    except KeyError as error:
        raise RejectedRecord("no-key", f"the record's key has no column {error}") from None


def _same(table: CapturedTable, change: Change, content: Content) -> bool:
    """Only REPLICA IDENTITY FULL has the row as it was."""
    before = change.before
    if before is None or table.toast != "full" or not table.content_columns.issubset(before):
        return False
    try:
        return content_of(table, before) == content
    except RejectedRecord:
        return False
