"""Every type of PostgreSQL's, as Debezium sends it with our settings, becomes what PostgreSQL itself would write."""

from __future__ import annotations

from typing import Any

import pytest

from freshet.errors import RejectedRecord
from producers.cdc.capture import CapturedTable
from producers.cdc.connector import PLACEHOLDER
from producers.cdc.document import content_of
from producers.cdc.envelope import EnvelopeReader
from producers.cdc.values import UNCHANGED
from tests.unit.producers.cdc import envelopes

NUMERIC = {"parameters": {"__debezium.source.column.type": "NUMERIC"}}
ENUM = {"parameters": {"allowed": "sad,ok,happy"}}


def mapped(*typed: Any) -> Any:
    """What a column with this value, type and schema becomes."""
    columns = {"id": (1, "int64"), "c": typed}
    change = EnvelopeReader().read(envelopes.key({"id": (1, "int64")}), envelopes.value("c", columns))
    assert change is not None
    assert change.after is not None
    return change.after["c"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param(("héllo 😀", "string"), "héllo 😀", id="text"),
        pytest.param(("", "string"), "", id="an empty text is no NULL"),
        pytest.param((None, "string"), None, id="NULL"),
        pytest.param(("ab   ", "string"), "ab   ", id="char keeps its padding"),
        pytest.param((True, "boolean"), True, id="boolean"),
        pytest.param((-32768, "int16"), -32768, id="smallint"),
        pytest.param((9007199254740993, "int64"), 9007199254740993, id="bigint beyond a double"),
        pytest.param((1.5, "float"), 1.5, id="real"),
        pytest.param(("NaN", "double"), "NaN", id="NaN"),
        pytest.param(("12.50", "string"), "12.50", id="numeric keeps its scale"),
        pytest.param(("123456789012345678901234567890.123456789", "string"),
                     "123456789012345678901234567890.123456789", id="numeric of any length"),
        pytest.param(("NAN", "string", "", NUMERIC), "NaN", id="numeric NaN"),
        pytest.param(("NEGATIVE_INFINITY", "string", "", NUMERIC), "-Infinity", id="numeric infinity"),
        pytest.param(("NAN", "string"), "NAN", id="a text that looks like NaN stays text"),
        pytest.param(("12.34", "string"), "12.34", id="money"),
        pytest.param(("2024-02-29Z", "string", "io.debezium.time.IsoDate"), "2024-02-29", id="date"),
        pytest.param(("+5877611-06-21Z", "string", "io.debezium.time.IsoDate"), "infinity", id="date infinity"),
        pytest.param(("-0043-03-15Z", "string", "io.debezium.time.IsoDate"), "-0043-03-15", id="date before Christ"),
        pytest.param(("+12345-06-07Z", "string", "io.debezium.time.IsoDate"), "12345-06-07", id="date far ahead"),
        pytest.param(("12:34:56.789Z", "string", "io.debezium.time.IsoTime"), "12:34:56.789", id="time"),
        pytest.param(("10:34:56Z", "string", "io.debezium.time.ZonedTime"), "10:34:56Z", id="timetz"),
        pytest.param(("2024-02-29T12:34:56.123456Z", "string", "io.debezium.time.IsoTimestamp"),
                     "2024-02-29T12:34:56.123456", id="timestamp"),
        pytest.param(("+292278994-08-16T23:00:00Z", "string", "io.debezium.time.IsoTimestamp"), "infinity",
                     id="timestamp infinity"),
        pytest.param(("2024-02-29T10:34:56.100000Z", "string", "io.debezium.time.ZonedTimestamp"),
                     "2024-02-29T10:34:56.1Z", id="timestamptz"),
        pytest.param(("-infinity", "string", "io.debezium.time.ZonedTimestamp"), "-infinity",
                     id="timestamptz infinity"),
        pytest.param(("P1Y2M3DT4H5M6.7S", "string", "io.debezium.time.Interval"), "P1Y2M3DT4H5M6.7S", id="interval"),
        pytest.param(("P0Y0M0DT0H0M0S", "string", "io.debezium.time.Interval"), "PT0S", id="interval of nothing"),
        pytest.param(("P0Y0M-3DT0H-5M0.500000S", "string", "io.debezium.time.Interval"), "P-3DT-5M0.5S",
                     id="interval with signs"),
        pytest.param(("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "string", "io.debezium.data.Uuid"),
                     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", id="uuid"),
        pytest.param(('{"b": 1, "a": [1, null, "x"]}', "string", "io.debezium.data.Json"),
                     {"b": 1, "a": [1, None, "x"]}, id="jsonb"),
        pytest.param(("null", "string", "io.debezium.data.Json"), None, id="null in jsonb"),
        pytest.param(('"str"', "string", "io.debezium.data.Json"), "str", id="a string in jsonb"),
        pytest.param(('{"a": 1}', "string"), '{"a": 1}', id="a text that looks like JSON stays text"),
        pytest.param(("deadbeef", "string"), "deadbeef", id="bytea"),
        pytest.param(([1, 2, None], "array", "", {"items": {"type": "int32"}}), [1, 2, None], id="int[] with NULL"),
        pytest.param((["a", "b,c", None], "array", "", {"items": {"type": "string"}}), ["a", "b,c", None], id="text[]"),
        pytest.param(([], "array", "", {"items": {"type": "string"}}), [], id="an empty array"),
        pytest.param((["2024-02-29T12:00:00.000000Z"], "array", "",
                      {"items": {"type": "string", "name": "io.debezium.time.ZonedTimestamp"}}),
                     ["2024-02-29T12:00:00Z"], id="timestamptz[]"),
        pytest.param(("happy", "string", "io.debezium.data.Enum", ENUM), "happy", id="enum"),
        pytest.param((["sad", "ok"], "array", "",
                      {"items": {"type": "string", "name": "io.debezium.data.Enum", **ENUM}}),
                     ["sad", "ok"], id="enum[]"),
        pytest.param(("10.0.0.1/24", "string"), "10.0.0.1/24", id="inet"),
        pytest.param(("BQ==", "bytes", "io.debezium.data.Bits", {"parameters": {"length": "3"}}), "101", id="bit(3)"),
        pytest.param(("AQ==", "bytes", "io.debezium.data.Bits", {"parameters": {"length": "3"}}), "001",
                     id="bit(3) with leading zeros"),
        pytest.param((True, "boolean"), True, id="bit(1)"),
        pytest.param(({"x": 1.0, "y": 2.5, "wkb": "AQ", "srid": None}, "struct", "io.debezium.data.geometry.Point"),
                     "(1,2.5)", id="point"),
        pytest.param(("[1,5)", "string"), "[1,5)", id="range"),
        pytest.param(("'cat':1", "string", "io.debezium.data.Tsvector"), "'cat':1", id="tsvector"),
    ],
)  # fmt: skip
def test_a_value_reads_as_postgresql_would_write_it(typed: tuple[Any, ...], expected: object) -> None:
    found = mapped(*typed)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param((PLACEHOLDER, "string"), id="text"),
        pytest.param((PLACEHOLDER.encode().hex(), "string"), id="bytea"),
        pytest.param((PLACEHOLDER, "string", "io.debezium.data.Json"), id="jsonb"),
        pytest.param((f'{{"{PLACEHOLDER}":"{PLACEHOLDER}"}}', "string", "io.debezium.data.Json"), id="hstore"),
        pytest.param(([PLACEHOLDER], "array", "", {"items": {"type": "string"}}), id="text[]"),
        pytest.param((list(PLACEHOLDER.encode()), "array", "", {"items": {"type": "int32"}}), id="int[]"),
    ],
)
def test_a_value_that_the_log_did_not_have_is_known_in_every_form(typed: tuple[Any, ...]) -> None:
    assert mapped(*typed) is UNCHANGED


def test_a_text_that_only_quotes_the_placeholder_is_a_text() -> None:
    text = f"the value {PLACEHOLDER} in our topics"
    assert mapped(text, "string") == text


NESTED = "[" * 3000 + "]" * 3000


@pytest.mark.parametrize("text", [NESTED, '"\\ud800"'], ids=["nested", "surrogate"])
def test_json_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(RejectedRecord) as refused:
        mapped(text, "string", "io.debezium.data.Json")
    assert refused.value.reason == "invalid-value"


@pytest.mark.parametrize("payload", [NESTED, '{"id": "\\ud800"}'], ids=["nested", "surrogate"])
def test_a_key_that_cannot_be_read_is_refused(payload: str) -> None:
    key = b'{"schema": {"type": "struct", "fields": []}, "payload": %s}' % payload.encode()
    with pytest.raises(RejectedRecord) as refused:
        EnvelopeReader().read(key, envelopes.value("c", {"id": (1, "int64")}))
    assert refused.value.reason == "not-an-envelope"


@pytest.mark.parametrize("options", [{"text": "{{c}}"}, {"text": "", "metadata": ("c",)}], ids=["text", "metadata"])
def test_an_object_too_deep_for_a_document_is_refused(options: dict[str, Any]) -> None:
    table = CapturedTable(table="public.t", key=("id",), **options)
    deep: Any = 1
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(RejectedRecord):
        content_of(table, {"id": 1, "c": deep})
