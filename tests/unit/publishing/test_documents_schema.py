"""The schema for other languages says what the codec does."""

from __future__ import annotations

import json
from datetime import timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from freshet.codec import decode_document, encode_document
from freshet.errors import RejectedRecord
from freshet.events import DocumentEvent
from freshet.publishing.schema import SCHEMA_PATH, published_schema, rendered

VALIDATOR = Draft202012Validator(published_schema())

text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
printable = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co", "Zs", "Zl", "Zp"]), min_size=1
)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9) | text
metadata = st.dictionaries(text, scalars | st.lists(scalars, max_size=3), max_size=3)
moments = st.datetimes(timezones=st.just(timezone.utc))
versions = st.integers(0, 2**63 - 1)

loose: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "id": printable | st.sampled_from(["", "a\x07", 1]),
        "op": st.sampled_from(["upsert", "upsert", "upsert", "delete", "delete", "replace", None]),
        "version": versions | versions | st.integers() | text,
    },
    optional={
        "text": text | st.none() | st.integers(),
        "metadata": metadata | st.dictionaries(text, st.dictionaries(text, text, max_size=1), max_size=1) | st.none(),
        "tenant": text | st.just("t" * 257),
        "source": text | st.none(),
        "occurred_at": moments.map(lambda moment: moment.isoformat())
        | text
        | st.none()
        | st.just("2026-01-01T00:00:00"),
        "part": st.integers(-1, 3) | st.none(),
        "last": st.booleans() | st.none(),
        "not_a_field": scalars,
    },
)
upserts = st.builds(
    DocumentEvent,
    id=printable,
    op=st.just("upsert"),
    version=versions,
    text=text,
    metadata=metadata,
    tenant=text,
    source=text,
    occurred_at=moments | st.none(),
    part=st.integers(0, 2**31 - 1),
    last=st.booleans(),
)
deletes = st.builds(DocumentEvent, id=printable, op=st.just("delete"), version=versions, tenant=text, source=text)


def test_the_committed_schema_is_the_generated_one() -> None:
    path = Path(__file__).parents[3] / SCHEMA_PATH
    assert path.read_text(encoding="utf-8") == rendered(), "run python -m freshet.publishing.schema"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(published_schema())


@pytest.mark.parametrize("example", published_schema()["examples"])
def test_examples_hold(example: dict[str, Any]) -> None:
    VALIDATOR.validate(example)
    decode_document(json.dumps(example).encode())


@settings(max_examples=300, deadline=None)
@given(loose)
def test_schema_and_codec_agree_on_any_value(value: dict[str, Any]) -> None:
    # what no schema can say: see its $comment
    assume(len(str(value.get("id", "")).encode()) <= 512)
    assert VALIDATOR.is_valid(value) == decodes(value)


@settings(max_examples=150, deadline=None)
@given(upserts | deletes)
def test_what_the_codec_writes_is_valid(event: DocumentEvent) -> None:
    assume(len(event.id.encode()) <= 512)
    raw = encode_document(event)
    assert decode_document(raw, event.id.encode()) == event
    VALIDATOR.validate(json.loads(raw))


@pytest.mark.parametrize(
    "value",
    [
        {"id": "a", "op": "upsert", "version": 1},
        {"id": "a", "op": "upsert", "version": 1, "text": None},
        {"id": "a", "op": "delete", "version": 1, "part": 1},
        {"id": "a", "op": "delete", "version": 1, "last": False},
        {"id": "a\nb", "op": "delete", "version": 1},
        {"id": "a", "op": "delete", "version": 2**63},
        {"id": "a", "op": "delete", "version": 1, "occurred_at": "2026-13-01T00:00:00Z"},
    ],
)
def test_rules_across_fields_are_in_both(value: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(value)
    assert not decodes(value)


def decodes(value: dict[str, Any]) -> bool:
    try:
        decode_document(json.dumps(value).encode())
    except RejectedRecord:
        return False
    return True
