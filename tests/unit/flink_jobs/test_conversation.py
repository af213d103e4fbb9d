"""Which messages of a conversation are embedded with one."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from flink_jobs.conversation import preceding, with_context
from freshet.chunking import Chunker
from freshet.codec import decode_document
from freshet.events import DocumentEvent
from tests.unit.embedder_double import HashEmbedder


def value(name: str, text: str | None = None, version: int = 1, minute: int | None = None, **more: object) -> bytes:
    fields: dict[str, object] = {"id": name, "op": "upsert", "version": version, "metadata": {"thread": "t"}, **more}
    if text is not None:
        fields["text"] = text
    if minute is not None:
        fields["occurred_at"] = datetime(2026, 1, 1, 12, minute, tzinfo=timezone.utc).isoformat()
    return json.dumps(fields).encode()


def event(name: str, minute: int | None = None, **more: Any) -> DocumentEvent:
    return decode_document(value(name, "the message itself", minute=minute, **more))


def test_the_last_messages_are_the_context_the_oldest_first() -> None:
    arrivals = [value(f"m{number}", f"text {number}") for number in range(5)]
    assert preceding(event("m9"), [*arrivals, value("m9", "the message itself")], 3) == ["text 2", "text 3", "text 4"]


def test_a_message_without_a_conversation_has_no_context() -> None:
    assert preceding(event("m9", metadata={}), [value("m1", "text")], 3) == []


def test_another_conversation_and_another_tenant_lend_nothing() -> None:
    arrivals = [value("m1", "other thread", metadata={"thread": "u"}), value("m2", "other tenant", tenant="x")]
    assert preceding(event("m9"), arrivals, 3) == []


def test_a_message_is_no_context_of_itself_in_whatever_version() -> None:
    arrivals = [value("m1", "before"), value("m2", "as it was", 1), value("m2", "as it is", 2)]
    assert preceding(event("m2", version=2), arrivals, 3) == ["before"]


def test_of_each_message_the_highest_version_counts_at_the_place_where_it_first_came() -> None:
    arrivals = [value("m1", "old", 1), value("m2", "second"), value("m1", "new", 3), value("m1", "late and stale", 2)]
    assert preceding(event("m9"), arrivals, 3) == ["new", "second"]


def test_replayed_messages_count_once() -> None:
    arrivals = [value("m1", "one"), value("m2", "two"), value("m1", "one"), value("m2", "two")]
    assert preceding(event("m9"), arrivals, 3) == ["one", "two"]


def test_a_deleted_message_is_no_context_where_the_delete_names_the_conversation() -> None:
    arrivals = [value("m1", "one"), value("m2", "two"), value("m1", op="delete", version=2)]
    assert preceding(event("m9"), arrivals, 3) == ["two"]


def test_a_late_message_gets_those_that_occurred_before_it() -> None:
    arrivals = [value("m1", "one", minute=1), value("m3", "three", minute=3), value("m4", "four", minute=4)]
    assert preceding(event("m2", minute=2), arrivals, 3) == ["one"]


def test_messages_are_in_the_order_in_which_they_occurred_however_they_arrived() -> None:
    arrivals = [value("m3", "three", minute=3), value("m1", "one", minute=1), value("m2", "two", minute=2)]
    assert preceding(event("m9", minute=9), arrivals, 2) == ["two", "three"]
    assert preceding(event("m9", minute=9), list(reversed(arrivals)), 2) == ["two", "three"]


def test_what_cannot_be_read_is_passed_over() -> None:
    assert preceding(event("m9"), [None, b"", b"no json", value("m1", "one"), value("m2", "")], 3) == ["one"]


def test_as_much_context_as_fits_goes_before_the_chunk_the_newest_first() -> None:
    chunker = Chunker(HashEmbedder(), capacity=6, overlap=1)
    assert with_context("a b", ["one two", "three four"], chunker) == "one two\nthree four\na b"
    assert with_context("a b c", ["one two", "three four"], chunker) == "three four\na b c"
    assert with_context("a b c d e f", ["one"], chunker) == "a b c d e f"
