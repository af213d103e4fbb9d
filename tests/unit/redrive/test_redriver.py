from __future__ import annotations

import pytest

from consumers.dead_letters import BATCH, MAX_REDRIVES, Redriver, refusal
from freshet.errors import UnavailableError
from freshet.settings import KafkaSettings
from tests.unit.redrive.conftest import FakeProducer, stored


def test_records_go_back_byte_for_byte_and_are_marked(producer: type[FakeProducer]) -> None:
    with Redriver(KafkaSettings()) as redriver:
        assert redriver.redrive([stored(4, redrives=1), stored(9, key=None, topic="vector-embeddings")]) == 2
    assert producer.sent == [
        ("documents", b"k4", b"v4", -1, [("freshet-redrives", b"2")]),
        ("vector-embeddings", None, b"v9", 1, [("freshet-redrives", b"1")]),
        ("dead-letters", b"k4", None, 0, [("freshet-dead-redriven", b"0/4")]),
        ("dead-letters", None, None, 0, [("freshet-dead-redriven", b"0/9")]),
    ]


def test_what_the_broker_refuses_is_not_marked(producer: type[FakeProducer]) -> None:
    producer.refused_topic = "documents"
    with Redriver(KafkaSettings()) as redriver, pytest.raises(UnavailableError, match="refused for a test"):
        redriver.redrive([stored(1)])
    assert [topic for topic, *_ in producer.sent] == ["documents"]


def test_many_go_in_batches(producer: type[FakeProducer]) -> None:
    with Redriver(KafkaSettings()) as redriver:
        assert redriver.redrive(stored(number) for number in range(BATCH + 1)) == BATCH + 1
    topics = [topic for topic, *_ in producer.sent]
    assert topics == ["documents"] * BATCH + ["dead-letters"] * BATCH + ["documents", "dead-letters"]


def test_what_should_stay_and_what_force_overrules() -> None:
    assert refusal(stored(1)) is None
    assert refusal(stored(1, redrives=MAX_REDRIVES - 1)) is None
    for unwise in (stored(1, redrives=MAX_REDRIVES), stored(1, redriven=True)):
        assert "--force" in (refusal(unwise) or "")
        assert refusal(unwise, force=True) is None
    for impossible in (stored(1, stage="files", topic=""), stored(1, topic="")):
        assert refusal(impossible, force=True)
    assert "save it again" in (refusal(stored(1, stage="files", topic="")) or "")
