"""MySQL and MongoDB: envelopes made here after Debezium's documentation. No such server was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from freshet.errors import RejectedRecord
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.envelope import Change, EnvelopeReader
from producers.cdc.mapping import Delete, Upsert, meaning_of
from producers.cdc.position import position_of
from tests.unit.producers.cdc import envelopes

MYSQL = {"connector": "mysql", "db": "shop", "schema": None, "table": "articles", "lsn": None,
         "file": "binlog.000007", "pos": 1234, "row": 0, "gtid": None}  # fmt: skip
MONGO = {"connector": "mongodb", "db": "shop", "schema": None, "table": None, "collection": "articles", "lsn": None,
         "ord": 3, "ts_ms": 1795267943000, "ts_us": 1795267943000000, "ts_ns": 1795267943000000000}  # fmt: skip
ARTICLES = CapturedTable(table="shop.articles", key=("id",), text="{{title}}", metadata=("tags", "price"))
CAPTURE = Capture(name="shop", url="mysql://app@db/shop", tables=(ARTICLES,))


def mysql(op: str, **source: Any) -> Change:
    row = {"id": (5, "int32"), "title": ("Tea", "string"), "price": ("1.50", "string"),
           "tags": ('["a"]', "string", "io.debezium.data.Json")}  # fmt: skip
    after, before = (None, row) if op == "d" else (row, None)
    found = EnvelopeReader().read(
        envelopes.key({"id": (5, "int32")}), envelopes.value(op, after, before, {**MYSQL, **source})
    )
    assert found is not None
    return found


def mongodb(op: str, after: Any = None, **source: Any) -> Change:
    fields = [
        {"field": "before", "type": "string", "name": "io.debezium.data.Json", "optional": True},
        {"field": "after", "type": "string", "name": "io.debezium.data.Json", "optional": True},
        {"field": "source", "type": "struct", "fields": []},
        {"field": "op", "type": "string"},
    ]
    text = None if after is None else json.dumps(after)
    payload = {"before": None, "after": text, "op": op, "source": {**envelopes.POSTGRES, **MONGO, **source}}
    raw = json.dumps({"schema": {"type": "struct", "fields": fields}, "payload": payload}).encode()
    found = EnvelopeReader().read(envelopes.key({"id": ('{"$oid": "596e275826f08b2730779e1f"}', "string")}), raw)
    assert found is not None
    return found


def test_a_row_of_mysql_becomes_a_document() -> None:
    found = meaning_of(CAPTURE, ARTICLES, mysql("u"))
    assert isinstance(found, Upsert)
    assert found.id == "shop/shop.articles/5"
    assert found.content.metadata == {"tags": ["a"], "price": "1.50"}
    assert isinstance(meaning_of(CAPTURE, ARTICLES, mysql("d")), Delete)


def test_the_binlog_orders_by_file_then_offset() -> None:
    places = [("binlog.000007", 4_000_000_000), ("binlog.000008", 4), ("binlog.000010", 4), ("binlog.1000000", 4)]
    versions = [position_of({**MYSQL, "file": file, "pos": pos}) for file, pos in places]
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("source", [{"file": "binlog"}, {"pos": None}, {"file": None}])
def test_a_position_that_cannot_be_read_is_refused(source: dict[str, Any]) -> None:
    with pytest.raises(RejectedRecord) as refused:
        mysql("c", **source)
    assert refused.value.reason == "no-position"


def test_a_document_of_mongodb_becomes_one_of_ours() -> None:
    after = {
        "_id": {"$oid": "596e275826f08b2730779e1f"},
        "title": "Tea",
        "tags": ["a", "b"],
        "price": {"$numberDecimal": "1.50"},
        "stock": {"$numberLong": "9007199254740993"},
        "since": {"$date": 1795267943064},
    }
    change = mongodb("c", after)
    found = meaning_of(CAPTURE, ARTICLES, change)
    assert isinstance(found, Upsert)
    assert found.id == "shop/shop.articles/596e275826f08b2730779e1f"
    assert found.content.metadata == {"tags": ["a", "b"], "price": "1.50"}
    assert change.after is not None
    assert change.after["stock"] == 9007199254740993
    assert change.after["since"] == "2026-11-21T13:32:23.064Z"
    assert isinstance(meaning_of(CAPTURE, ARTICLES, mongodb("d")), Delete)


def test_mongodb_orders_by_time_then_ordinal() -> None:
    earlier, later, last = mongodb("d"), mongodb("d", ord=4), mongodb("d", ts_ms=1795267944000, ord=1)
    assert earlier.position < later.position < last.position


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(RejectedRecord) as refused:
        mysql("c", connector="oracle")
    assert refused.value.reason == "unknown-source"
