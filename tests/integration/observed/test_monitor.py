"""What the monitor reads of a real broker: lag by commits, letters that wait, and a broker that is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from freshet.dead_letters import marker_headers
from freshet.errors import UnavailableError
from freshet.monitor.dead_letters import WaitingLetters
from freshet.monitor.group_lag import GroupLag
from freshet.settings import KafkaSettings
from freshet.stack.kafka import KafkaBroker, create_topics
from freshet.topics import DEAD_LETTERS, DOCUMENTS, JOB_GROUP
from tests.integration.brokers import own_broker

LARGE = b"x" * 200_000
"""Records of which one fills what a client asks for at once."""
CLOCK_S = 0.1
"""Kafka's time stamps are milliseconds of another process."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with own_broker(tmp_path_factory.mktemp("broker")) as started:
        create_topics(started.bootstrap)
        yield started


@pytest.fixture
def kafka(broker: KafkaBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap=broker.bootstrap)


def write(kafka: KafkaSettings, topic: str, *records: tuple[int, bytes, list[tuple[str, bytes | None]]]) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 0})
    for partition, value, headers in records:
        producer.produce(topic, value, b"key", partition, headers=headers)
        assert producer.flush(10) == 0


def commit(kafka: KafkaSettings, *offsets: int) -> None:
    """By partition, as the job would."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": JOB_GROUP})
    consumer.commit(
        offsets=[TopicPartition(DOCUMENTS.name, number, offset) for number, offset in enumerate(offsets)],
        asynchronous=False,
    )
    consumer.close()


def test_lag_is_what_was_not_committed_and_its_age_is_that_of_the_oldest(kafka: KafkaSettings) -> None:
    lag = GroupLag(kafka, JOB_GROUP, DOCUMENTS)
    assert (lag.look().records, lag.look().seconds) == (0, 0)
    began = time.time()
    write(kafka, DOCUMENTS.name, *((number % 3, LARGE, []) for number in range(5)))
    sixth = time.time()
    write(kafka, DOCUMENTS.name, *((number % 3, LARGE, []) for number in range(5, 9)))
    written = time.time()
    first = lag.look()
    assert first.records == 9
    assert written - sixth < first.seconds <= time.time() - began + CLOCK_S
    commit(kafka, 2, 3, 1)
    looked = time.time()
    second = lag.look()
    assert time.time() - looked < 1, "three partitions are looked at as fast as one"
    assert second.records == 3
    assert looked - written < second.seconds <= time.time() - sixth + CLOCK_S, "the oldest left is the sixth"
    commit(kafka, 3, 3, 3)
    assert (lag.look().records, lag.look().seconds) == (0, 0)
    lag.close()


def test_letters_wait_until_a_marker_names_them(kafka: KafkaSettings) -> None:
    letters = WaitingLetters(kafka)
    assert letters.look() == 0
    write(kafka, DEAD_LETTERS.name, *((0, LARGE, []) for _ in range(3)))
    assert letters.look() == 3
    write(kafka, DEAD_LETTERS.name, (0, b"", marker_headers(0, 1)))
    assert (letters.look(), letters.redriven) == (2, 1)
    letters.close()
    other = WaitingLetters(kafka)
    assert (other.look(), other.redriven) == (2, 0), "what was sent back before is not counted again"
    other.close()


def test_a_broker_that_is_gone_is_told(broker: KafkaBroker, kafka: KafkaSettings) -> None:
    lag, letters = GroupLag(kafka, JOB_GROUP, DOCUMENTS), WaitingLetters(kafka)
    letters.look()
    broker.kill()
    with pytest.raises(UnavailableError, match="lag"):
        lag.look()
    with pytest.raises(UnavailableError, match=DEAD_LETTERS.name):
        letters.look()
    lag.close()
    letters.close()
