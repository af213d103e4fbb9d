"""Records as Debezium writes them, made here: schema and payload in Kafka Connect's JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Typed = Mapping[str, tuple[Any, ...]]
"""By column: value, Connect's type, the logical name or nothing, further fields of the schema."""

LSN = 28_311_680
POSTGRES = {
    "connector": "postgresql", "name": "cdc.shop", "ts_ms": 1795267943064, "ts_us": 1795267943064694,
    "ts_ns": 1795267943064694000, "snapshot": "false", "db": "shop", "schema": "public", "table": "articles",
    "txId": 760, "lsn": LSN, "sequence": '[null,"28311680"]',
}  # fmt: skip


def key(columns: Typed) -> bytes:
    return json.dumps({"schema": struct(columns), "payload": {name: one[0] for name, one in columns.items()}}).encode()


def value(
    op: str, after: Typed | None = None, before: Typed | None = None, source: Mapping[str, Any] | None = None
) -> bytes:
    """``source`` replaces fields of PostgreSQL's."""
    columns = after or before or {}
    fields = [
        {**struct(columns), "field": "before", "optional": True},
        {**struct(columns), "field": "after", "optional": True},
        {"type": "struct", "fields": [], "field": "source"},
        {"type": "string", "field": "op"},
    ]
    payload = {
        "before": None if before is None else {name: one[0] for name, one in before.items()},
        "after": None if after is None else {name: one[0] for name, one in after.items()},
        "source": {**POSTGRES, **(source or {})},
        "op": op,
    }
    return json.dumps({"schema": {"type": "struct", "fields": fields}, "payload": payload}).encode()


def struct(columns: Typed) -> dict[str, Any]:
    return {"type": "struct", "fields": [{"field": name, **schema(one)} for name, one in columns.items()]}


def schema(one: tuple[Any, ...]) -> dict[str, Any]:
    _, kind, *rest = one
    found: dict[str, Any] = {"type": kind, "optional": True}
    if rest and rest[0]:
        found["name"] = rest[0]
    if len(rest) > 1:
        found |= rest[1]
    return found
