"""What each change of a row means for the index."""

from __future__ import annotations

import json
from typing import Any

import pytest

from freshet.errors import RejectedRecord
from freshet.ids import MAX_ID_BYTES, check_document_id
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.connector import PLACEHOLDER
from producers.cdc.document import content_of
from producers.cdc.envelope import Change, EnvelopeReader
from producers.cdc.identity import document_id
from producers.cdc.mapping import Delete, Meaning, Nothing, Truncate, Upsert, meaning_of
from producers.cdc.outbox import outbox_event
from producers.cdc.outbox_sql import outbox_sql
from producers.cdc.values import UNCHANGED
from producers.cdc.version import format_lsn, parse_lsn, position_of, version_of
from tests.unit.producers.cdc import envelopes
from tests.unit.producers.cdc.envelopes import LSN

TABLE = CapturedTable(
    table="public.articles", key=("id",), text="{{title}}\n\n{{body}}", metadata=("tags",), tenant="tenant"
)
CAPTURE = Capture(name="shop", url="postgresql://app@db/shop", tables=(TABLE,))
KEY = {"id": (7, "int64")}
JSON = "io.debezium.data.Json"


def row(**other: Any) -> dict[str, tuple[Any, ...]]:
    columns = {
        "id": (7, "int64"),
        "title": ("Tea", "string"),
        "body": ("It is hot.", "string"),
        "tags": ('["kitchen"]', "string", JSON),
        "tenant": ("acme", "string"),
        "views": (1, "int32"),
    }
    return {**columns, **{name: (value, *columns[name][1:]) for name, value in other.items()}}


def change(key: Any = KEY, **options: Any) -> Change:
    found = EnvelopeReader().read(envelopes.key(key), envelopes.value(**options))
    assert found is not None
    return found


def meaning(table: CapturedTable = TABLE, capture: Capture = CAPTURE, **options: Any) -> Meaning:
    return meaning_of(capture, table, change(**options))


@pytest.mark.parametrize("op", ["c", "u", "r"])
def test_a_living_row_is_an_upsert(op: str) -> None:
    found = meaning(op=op, after=row())
    assert isinstance(found, Upsert)
    assert found.id == "shop/public.articles/7"
    assert found.content.text == "Tea\n\nIt is hot."
    assert found.content.metadata == {"tags": ["kitchen"]}
    assert found.content.tenant == "acme"
    assert found.version == version_of(LSN, alive=op != "r")


def test_a_deleted_row_is_a_delete_though_the_row_before_holds_made_up_values() -> None:
    before = row(title="", body=None, tags=None)
    assert meaning(op="d", before=before) == Delete("shop/public.articles/7", version_of(LSN, alive=False))


def test_a_truncated_table_ends_every_document_below_its_name() -> None:
    found = EnvelopeReader().read(None, envelopes.value("t"))
    assert found is not None
    assert meaning_of(CAPTURE, TABLE, found) == Truncate("shop/public.articles/", version_of(LSN, alive=False))


@pytest.mark.parametrize("value", [None, b""], ids=["tombstone", "empty"])
def test_a_tombstone_changes_nothing(value: bytes | None) -> None:
    assert EnvelopeReader().read(envelopes.key(KEY), value) is None


def test_a_heartbeat_changes_nothing() -> None:
    schema = {"type": "struct", "fields": [{"field": "ts_ms", "type": "int64"}]}
    heartbeat = json.dumps({"schema": schema, "payload": {"ts_ms": 1}}).encode()
    assert EnvelopeReader().read(envelopes.key({"serverName": ("cdc.shop", "string")}), heartbeat) is None


def test_a_logical_message_changes_nothing() -> None:
    assert EnvelopeReader().read(envelopes.key({"prefix": ("x", "string")}), envelopes.value("m")) is None


@pytest.mark.parametrize("raw", [b"\xff", b"{}", b"[]", b'{"a":1}', b'{"schema":{"fields":1},"payload":1}'])
def test_what_is_no_envelope_is_refused(raw: bytes) -> None:
    with pytest.raises(RejectedRecord) as refused:
        EnvelopeReader().read(envelopes.key(KEY), raw)
    assert refused.value.reason == "not-an-envelope"


@pytest.mark.parametrize("value", ["", "x/y", "a%b", "tab\there", "~", "é 😀", "x" * 600, "a/b/c"])
def test_an_id_is_valid_and_its_own_whatever_the_key_holds(value: str) -> None:
    name = document_id("shop", "public.t", [value])
    check_document_id(name)
    assert len(name.encode()) <= MAX_ID_BYTES
    others = ["", "/", "%2F", "x", "x/y", "x%2Fy", "~"]
    assert all(document_id("shop", "public.t", [other]) != name for other in others if other != value)


def test_a_compound_key_keeps_its_columns_apart() -> None:
    assert document_id("s", "public.t", ["a/b", "c"]) != document_id("s", "public.t", ["a", "b/c"])
    assert document_id("s", "public.t", [1, "x"]) == "s/public.t/1/x"


def test_the_order_of_a_compound_key_is_the_definitions() -> None:
    table = CapturedTable(table="public.articles", key=("b", "a"), text="{{a}}")
    columns = {"a": (1, "int32"), "b": ("x", "string")}
    found = meaning(table, op="c", after=columns, key=columns)
    assert isinstance(found, Upsert)
    assert found.id == "shop/public.articles/x/1"


def test_a_changed_key_deletes_the_old_document_and_makes_the_new_at_one_position() -> None:
    gone = meaning(op="d", before=row(), key={"id": (7, "int64")})
    come = meaning(op="c", after=row(id=8), key={"id": (8, "int64")})
    assert isinstance(gone, Delete)
    assert isinstance(come, Upsert)
    assert (gone.id, come.id) == ("shop/public.articles/7", "shop/public.articles/8")


def test_at_one_position_what_lives_wins_over_what_ended() -> None:
    assert version_of(5, alive=False) < version_of(5, alive=True) < version_of(6, alive=False)


def test_versions_fit_64_bits_and_an_epoch_wins_over_every_position() -> None:
    largest = version_of((1 << 56) - 1, alive=True, epoch=62)
    assert largest < version_of(0, alive=False, epoch=63) < 2**63
    assert version_of((1 << 56) - 1, alive=True, epoch=63) == 2**63 - 1
    assert position_of(version_of(123, alive=True, epoch=5)) == 123
    with pytest.raises(RejectedRecord):
        version_of(1 << 56, alive=True)


def test_a_position_is_written_as_postgresql_does() -> None:
    assert format_lsn(parse_lsn("16/B374D848")) == "16/B374D848"


def test_a_change_beside_text_and_metadata_means_nothing_where_the_log_has_the_row_before() -> None:
    full = TABLE.model_copy(update={"toast": "full"})
    assert meaning(full, op="u", before=row(), after=row(views=2)) == Nothing()
    assert isinstance(meaning(full, op="u", before=row(), after=row(title="Coffee")), Upsert)
    assert isinstance(meaning(full, op="u", before=row(), after=row(tags="[]")), Upsert)
    assert isinstance(meaning(full, op="u", before=row(), after=row(tenant="other")), Upsert)


def test_a_placeholder_is_never_text() -> None:
    found = change(op="u", after=row(body=PLACEHOLDER))
    assert found.after is not None
    assert found.after["body"] is UNCHANGED
    with pytest.raises(RejectedRecord, match="body"):
        meaning_of(CAPTURE, TABLE, found)


def test_a_missing_column_is_named_with_the_way_out() -> None:
    columns = row()
    del columns["body"]
    with pytest.raises(RejectedRecord, match=r"no column body.*freshet cdc add") as refused:
        meaning(op="c", after=columns)
    assert refused.value.reason == "missing-column"


def test_null_is_nothing_in_a_text_and_stays_null_in_metadata() -> None:
    found = content_of(TABLE, {"title": None, "body": "b", "tags": None, "tenant": None, "id": 1})
    assert (found.text, found.metadata, found.tenant) == ("\n\nb", {"tags": None}, "")


def test_an_object_becomes_metadata_field_by_field() -> None:
    values = {"a": 1, "b": {"c": True}, "d": [1, {"e": 2}]}
    found = content_of(TABLE, {"title": "", "body": "", "tags": values, "tenant": "", "id": 1})
    assert found.metadata == {"tags.a": 1, "tags.b.c": True, "tags.d": [1, '{"e": 2}']}


def test_a_template_can_use_filters_and_not_reach_out() -> None:
    table = CapturedTable(table="public.t", key=("id",), text="{{tags|join(', ')}} {{n}}")
    assert content_of(table, {"id": 1, "tags": ["a", "b"], "n": 1.5}).text == "a, b 1.5"
    evil = CapturedTable(table="public.t", key=("id",), text="{{n.__class__.__mro__}}")
    with pytest.raises(RejectedRecord):
        content_of(evil, {"id": 1, "n": 1})


def test_a_row_whose_key_is_null_is_refused() -> None:
    with pytest.raises(RejectedRecord, match="NULL"):
        meaning(op="c", after=row(), key={"id": (None, "int64")})


@pytest.mark.parametrize("op", ["upsert", "delete"])
def test_an_outbox_row_says_the_document_itself(op: str) -> None:
    columns = {
        "id": (1, "int64"), "document_id": ("orders/1", "string"), "op": (op, "string"), "text": ("t", "string"),
        "metadata": ('{"a": 1}', "string", JSON), "tenant": ("acme", "string"),
    }  # fmt: skip
    found = outbox_event(CAPTURE, change(op="c", after=columns))
    assert isinstance(found, Upsert if op == "upsert" else Delete)
    assert found.id == "shop/orders/1"
    assert outbox_event(CAPTURE, change(op="d", before=columns)) is None


def test_an_object_in_the_metadata_of_an_outbox_becomes_fields_as_in_a_table() -> None:
    columns = {
        "id": (1, "int64"), "document_id": ("orders/1", "string"), "op": ("upsert", "string"), "text": ("t", "string"),
        "metadata": ('{"place": {"city": "Lisbon", "at": [1, {"x": 2}]}, "n": 3}', "string", JSON),
    }  # fmt: skip
    found = outbox_event(CAPTURE, change(op="c", after=columns))
    assert isinstance(found, Upsert)
    assert found.content.metadata == {"place.city": "Lisbon", "place.at": [1, '{"x": 2}'], "n": 3}


def test_an_outbox_row_without_a_meaning_is_refused() -> None:
    columns = {"id": (1, "int64"), "document_id": (None, "string"), "op": ("rename", "string")}
    with pytest.raises(RejectedRecord) as refused:
        outbox_event(CAPTURE, change(op="c", after=columns))
    assert refused.value.reason == "invalid-outbox"


def test_the_outbox_sql_has_trigger_and_backfill_for_each_table() -> None:
    from producers.cdc.capture import Outbox

    sql = outbox_sql(Outbox(), (TABLE,))
    assert 'CREATE TABLE IF NOT EXISTS "public"."freshet_outbox"' in sql
    assert 'AFTER INSERT OR UPDATE OR DELETE ON "public"."articles"' in sql
    assert "FOR UPDATE" in sql
