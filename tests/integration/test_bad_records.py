"""One bad record goes to dead letters whole, and its neighbours go on."""

from __future__ import annotations

import json

import pytest

from tests.integration.pipeline import Pipeline

BAD = [
    ("not-json", b"\x00\x01 this is no JSON", b"k"),
    ("not-json", b'{"id": "k", "op": "ups', b"k"),
    (
        "not-json",
        '{"id": "k", "op": "upsert", "version": 1, "text": "\udcff"}'.encode("utf-8", "surrogateescape"),
        b"k",
    ),
    ("invalid-field", b'{"op": "upsert", "version": 1, "text": "no id"}', None),
    ("invalid-field", b'{"id": "k", "op": "upsert", "version": "one", "text": "wrong type"}', b"k"),
    ("invalid-field", b'{"id": "k", "op": "upsert", "version": -1, "text": "negative"}', b"k"),
    ("invalid-field", b'{"id": "k", "op": "upsert", "version": 9223372036854775808, "text": "over 64 bits"}', b"k"),
    ("invalid-field", b'{"id": "k", "op": "merge", "version": 1, "text": "unknown op"}', b"k"),
    ("invalid-field", b"[1, 2, 3]", b"k"),
    ("invalid-id", b'{"id": "line\\nbreak", "op": "upsert", "version": 1, "text": "x"}', None),
    ("missing-text", b'{"id": "k", "op": "upsert", "version": 1}', b"k"),
    ("key-mismatch", b'{"id": "k", "op": "upsert", "version": 1, "text": "x"}', b"other"),
    ("empty-record", b"", b"k"),
    ("empty-record", None, b"k"),
    (
        "metadata-too-large",
        json.dumps({"id": "k", "op": "upsert", "version": 1, "text": "x", "metadata": {"m": "y" * 40_000}}).encode(),
        b"k",
    ),
    (
        "invalid-field",
        json.dumps({"id": "k", "op": "upsert", "version": 1, "text": "long " * 60_000}).encode(),
        b"k",
    ),
]


@pytest.mark.parametrize(("reason", "value", "key"), BAD, ids=[f"{n}-{case[0]}" for n, case in enumerate(BAD)])
def test_a_bad_record_becomes_a_dead_letter_and_its_neighbours_go_on(
    pipeline: Pipeline, reason: str, value: bytes | None, key: bytes | None
) -> None:
    pipeline.publish("before", "a good record before the bad one", 1)
    place = pipeline.raw(value, key)
    pipeline.publish("after", "a good record after the bad one", 1)
    letter = pipeline.dead_letter(*place)
    assert (letter.reason, letter.key, letter.value or None) == (reason, key, value or None)
    assert letter.stage == "flink-job"
    assert letter.detail
    assert letter.model
    pipeline.wait_version("before", 1)
    pipeline.wait_version("after", 1)
