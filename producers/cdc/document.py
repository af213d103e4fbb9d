"""A row as a document: text by template, metadata, tenant. The one place that both changes and whole rows pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freshet.errors import RejectedRecord
from freshet.events import Metadata, Scalar
from producers.cdc.capture import CapturedTable
from producers.cdc.values import UNCHANGED

MAX_TENANT_CHARS = 256
_TOO_DEEP = "objects and lists are nested too deep"


@dataclass(frozen=True, slots=True)
class Content:
    """What of a document can differ between two versions."""

    text: str
    metadata: Metadata
    tenant: str

    def digest(self) -> bytes:
        """16 bytes; equal for equal contents."""
        whole = json.dumps([self.text, self.metadata, self.tenant], sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def unchanged_columns(table: CapturedTable, row: Mapping[str, Any]) -> list[str]:
    """Those that the document needs and the log did not have."""
    return sorted(column for column in table.content_columns if row.get(column) is UNCHANGED)


def content_of(table: CapturedTable, row: Mapping[str, Any]) -> Content:
    """Raises RejectedRecord where the row lacks a column, or still has one that the log did not have."""
    missing = sorted(table.content_columns.difference(row))
    if missing:
        raise RejectedRecord(
            "missing-column",
            f"{table.table} has no column {', '.join(missing)}: mend template and metadata with `freshet cdc add`, "
            "then `freshet dead-letters redrive --reason missing-column`",
        )
    if left := unchanged_columns(table, row):
        raise RejectedRecord("unchanged-column", f"the log did not have {', '.join(left)}")
    metadata: Metadata = {}
    for column in table.metadata:
        add_field(metadata, column, row[column])
    tenant = "" if table.tenant is None or row[table.tenant] is None else str(row[table.tenant])
    if len(tenant) > MAX_TENANT_CHARS:
        raise RejectedRecord("invalid-field", f"the tenant is longer than {MAX_TENANT_CHARS} characters")
    try:
        return Content(table.template.render(row), metadata, tenant)
    except RecursionError as error:
        raise RejectedRecord("template-failed", _TOO_DEEP) from error


def add_field(metadata: Metadata, name: str, value: Any) -> None:
    """An object's fields under its name, with a dot between. Raises RejectedRecord for one that is nested too deep."""
    try:
        _add(metadata, name, value)
    except RecursionError as error:
        raise RejectedRecord("invalid-field", f"{name}: {_TOO_DEEP}") from error


def _add(metadata: Metadata, name: str, value: Any) -> None:
    if isinstance(value, dict):
        for inner, one in value.items():
            _add(metadata, f"{name}.{inner}", one)
    elif isinstance(value, list):
        metadata[name] = [_scalar(one) for one in value]
    else:
        metadata[name] = value


def _scalar(value: Any) -> Scalar:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
