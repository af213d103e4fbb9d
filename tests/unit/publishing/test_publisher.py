from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

import freshet
from freshet.codec import decode_document
from freshet.dead_letters import DeadLetter, HeaderList
from freshet.errors import FreshetError, RejectedRecord, UnavailableError, UsageError
from freshet.events import MAX_METADATA_BYTES, DocumentEvent
from freshet.publishing import Publisher
from freshet.publishing.profiles import producer_properties
from freshet.publishing.records import Delivered, DoneCallback, RecordProducer
from freshet.settings import KafkaSettings


class KeptRecords(RecordProducer):
    """Keeps records instead of sending them; reports come when the test asks for them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bytes | None, dict[str, bytes | None]]] = []
        self.done: list[DoneCallback] = []
        self.fail_at: int | None = None

    def send(self, topic: str, key: bytes, value: bytes | None, headers: HeaderList, done: DoneCallback) -> None:
        self.sent.append((topic, key, value, dict(headers)))
        self.done.append(done)
        if self.fail_at == len(self.sent):
            done(UnavailableError("down"))

    def events(self) -> list[DocumentEvent]:
        return [decode_document(value, key) for _, key, value, _ in self.sent]

    def report(self, order: int = 1) -> None:
        for offset, done in list(enumerate(self.done))[::order]:
            done(Delivered("documents", 2, offset))

    def close(self, timeout_s: float | None = None) -> None: ...


@pytest.fixture
def records() -> KeptRecords:
    return KeptRecords()


@pytest.fixture
def publisher(records: KeptRecords) -> Publisher:
    return Publisher(records=records, clock=lambda: 1_700_000_000_000_000_005)


def test_a_short_text_is_one_record(publisher: Publisher, records: KeptRecords) -> None:
    occurred = datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=timezone.utc)
    future = publisher.publish(
        "a",
        "words",
        version=7,
        metadata={"n": 1},
        tenant="t",
        source="s",
        occurred_at=occurred,
        traceparent="00-1-2-01",
    )
    assert not future.done()
    [(topic, key, _, headers)] = records.sent
    assert (topic, key) == ("documents", b"a")
    assert headers == {
        "traceparent": b"00-1-2-01",
        "freshet-source-commit": b"1795244400123456000",
        "freshet-published": b"1700000000000000005",
    }
    assert records.events() == [
        DocumentEvent(
            id="a",
            op="upsert",
            version=7,
            text="words",
            metadata={"n": 1},
            tenant="t",
            source="s",
            occurred_at=occurred,
        )
    ]
    records.report()
    receipt = future.result(0)
    assert (receipt.id, receipt.version, receipt.parts, receipt.partition, receipt.offset) == ("a", 7, 1, 2, 0)


@pytest.mark.parametrize("order", [1, -1])
def test_a_long_text_is_acknowledged_with_its_last_report(
    publisher: Publisher, records: KeptRecords, order: int
) -> None:
    text = "A sentence of some words. " * 2000
    future = publisher.publish("a", (text[at : at + 777] for at in range(0, len(text), 777)), version=1)
    events = records.events()
    assert len(events) > 3
    assert "".join(event.text or "" for event in events) == text
    assert [event.part for event in events] == list(range(len(events)))
    assert [event.last for event in events] == [False] * (len(events) - 1) + [True]
    last = records.done.pop(0)
    records.report(order)
    assert not future.done()
    last(Delivered("documents", 2, 0))
    assert future.result(0).parts == len(events)


def test_an_empty_text_is_one_record(publisher: Publisher, records: KeptRecords) -> None:
    publisher.publish("a", iter(()), version=1)
    assert [(event.text, event.last) for event in records.events()] == [("", True)]


def test_a_failed_part_spares_the_rest(publisher: Publisher, records: KeptRecords) -> None:
    records.fail_at = 2
    with pytest.raises(UnavailableError):
        publisher.publish("a", "A sentence of some words. " * 20_000, version=1)
    assert len(records.sent) == 2


def test_an_error_of_the_text_passes_through_and_the_last_part_is_not_sent(
    publisher: Publisher, records: KeptRecords
) -> None:
    def pieces() -> Iterator[str]:
        yield "A sentence of some words. " * 2000
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        publisher.publish("a", pieces(), version=1)
    assert records.sent
    assert not any(event.last for event in records.events())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"id": ""}, "invalid-field"),
        ({"id": "a\n"}, "invalid-id"),
        ({"id": "ä" * 300}, "invalid-id"),
        ({"id": "\ud800"}, "invalid-field"),
        ({"version": -1}, "invalid-field"),
        ({"version": 2**63}, "invalid-field"),
        ({"version": 1.5}, "invalid-field"),
        ({"metadata": {"a": {"b": 1}}}, "invalid-field"),
        ({"metadata": {"a": object()}}, "invalid-field"),
        ({"metadata": {"a": "x" * MAX_METADATA_BYTES}}, "metadata-too-large"),
        ({"tenant": "t" * 257}, "invalid-field"),
        ({"occurred_at": datetime(2026, 1, 1)}, "invalid-field"),
        ({"text": b"bytes"}, "invalid-text"),
    ],
)
def test_what_breaks_the_contract_is_refused_before_anything_is_sent(
    publisher: Publisher, records: KeptRecords, arguments: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RejectedRecord) as refused:
        publisher.publish(**{"id": "a", "text": "words", "version": 1, **arguments})
    assert refused.value.reason == reason
    assert records.sent == []


def test_a_delete_is_one_record(publisher: Publisher, records: KeptRecords) -> None:
    future = publisher.delete("a", 9, committed_ns=5)
    assert records.events() == [DocumentEvent(id="a", op="delete", version=9)]
    assert records.sent[0][3]["freshet-source-commit"] == b"5"
    records.report()
    assert future.result(0).version == 9


def test_a_dead_letter_keeps_its_headers(publisher: Publisher, records: KeptRecords) -> None:
    publisher.dead_letter(DeadLetter(key=b"k", value=b"v", stage="files", reason="binary"))
    topic, key, value, headers = records.sent[0]
    assert (topic, key, value) == ("dead-letters", b"k", b"v")
    assert headers["freshet-dead-reason"] == b"binary"


def test_profiles_differ_where_the_design_says_so() -> None:
    settings = KafkaSettings(bootstrap="x:1", extra={"security.protocol": "ssl"})
    fast = producer_properties(settings, "low-latency", 30)
    durable = producer_properties(settings, "durable", 30)
    assert {name: fast.get(name) for name in fast.keys() | durable.keys() if fast.get(name) != durable.get(name)} == {
        "acks": "1",
        "compression.type": "none",
        "enable.idempotence": None,
    }
    assert (durable["acks"], durable["linger.ms"], durable["partitioner"]) == ("all", 0, "murmur2_random")
    assert (fast["queue.buffering.max.kbytes"], fast["security.protocol"]) == (64 * 1024, "ssl")


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_broker_that_is_down_is_named_after_the_deadline(nobody: str) -> None:
    with Publisher(KafkaSettings(bootstrap=nobody), timeout_s=0.5) as publisher:
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=nobody):
            publisher.publish("a", "words", version=1).result(10)
        assert time.monotonic() - began < 5
        with pytest.raises(UnavailableError, match=nobody):
            publisher.reach(0.2)


def test_a_full_buffer_blocks_until_the_deadline_and_no_longer(nobody: str) -> None:
    settings = KafkaSettings(bootstrap=nobody, extra={"queue.buffering.max.messages": "10"})
    with Publisher(settings, timeout_s=0.5) as publisher, pytest.raises(UnavailableError, match=nobody):
        publisher.publish("a", ("A sentence of some words. " * 400 for _ in range(100)), version=1).result(10)


def test_close_fails_what_is_not_acknowledged(nobody: str) -> None:
    publisher = Publisher(KafkaSettings(bootstrap=nobody), timeout_s=60)
    future = publisher.publish("a", "words", version=1)
    publisher.close(0.1)
    assert isinstance(future.exception(5), FreshetError)
    with pytest.raises(UsageError, match="closed"):
        publisher.publish("a", "words", version=2)


def test_settings_that_librdkafka_refuses_are_the_users() -> None:
    with pytest.raises(UsageError, match="FRESHET_KAFKA_EXTRA"):
        Publisher(KafkaSettings(bootstrap="x:1", extra={"no.such.property": "1"}))


def test_importing_freshet_stays_cheap() -> None:
    code = "import sys, freshet; sys.exit('confluent_kafka' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
    assert callable(freshet.publish)
    assert callable(freshet.delete)
    with pytest.raises(AttributeError):
        _ = freshet.nothing
