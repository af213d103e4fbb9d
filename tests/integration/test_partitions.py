"""How the consumer reads its partitions from a real broker: fairly, bounded, and with nothing lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer

from consumers import source as module
from consumers.source import KafkaSource, Message
from freshet.settings import KafkaSettings
from freshet.stack.kafka import KafkaBroker, create_topics
from freshet.stack.process import wait_until
from freshet.topics import EMBEDDINGS
from tests.integration.brokers import own_broker

BACKLOG = 6_000
LIMIT = 100
DEADLINE_SECONDS = 60.0

Open = Callable[[], KafkaSource]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Its topic ``vector-embeddings`` holds a backlog in partition 0 and nothing else."""
    with own_broker(tmp_path_factory.mktemp("broker")) as started:
        create_topics(started.bootstrap)
        send(started, 0, BACKLOG)
        yield started


@pytest.fixture
def opened(broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Sources in a group of this test's own, closed at its end."""
    monkeypatch.setattr(module, "CONSUMER_GROUP", request.node.name)
    sources: list[KafkaSource] = []

    def one() -> KafkaSource:
        sources.append(KafkaSource(KafkaSettings(bootstrap=broker.bootstrap), lambda partitions: None))
        return sources[-1]

    yield one
    for source in sources:
        source.close()


def send(broker: KafkaBroker, partition: int, count: int) -> None:
    """Block until the broker has them."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for number in range(count):
        producer.produce(EMBEDDINGS.name, b"%d" % number + b"." * 2_000, b"k", partition)
        producer.poll(0)
    assert producer.flush(DEADLINE_SECONDS) == 0


def fetched(source: KafkaSource, broker: KafkaBroker, until: Callable[[list[Message]], bool]) -> list[Message]:
    """Batches until all that came fulfils ``until``."""
    found: list[Message] = []

    def enough() -> bool:
        while batch := source.fetch(LIMIT, 0.1):
            found.extend(batch)
            if until(found):
                return True
        return False

    wait_until(enough, "the records are read", DEADLINE_SECONDS, (broker,))
    return found


def offsets(messages: list[Message], partition: int = 0) -> list[int]:
    return [message.offset for message in messages if message.partition == partition]


def test_pauses_and_resumes_lose_nothing_and_keep_the_order(broker: KafkaBroker, opened: Open) -> None:
    """Six times as much as the buffer holds, so the partition is paused again and again."""
    found = fetched(opened(), broker, lambda so_far: len(offsets(so_far)) >= BACKLOG)
    assert offsets(found) == list(range(BACKLOG))


def test_a_backlog_in_one_partition_delays_a_record_of_another_by_no_batch(broker: KafkaBroker, opened: Open) -> None:
    """From when librdkafka has the record, which the lag tells, the next batch has to hold it."""
    source = opened()
    fetched(source, broker, lambda so_far: len(so_far) >= 1_500)

    def known() -> int:
        source.idle(0.01)
        return source.lag()

    before = known()
    send(broker, 1, 1)
    wait_until(lambda: known() == before + 1, "the record is known", DEADLINE_SECONDS, (broker,))
    batch = source.fetch(LIMIT, 0)
    assert len(batch) == LIMIT, "the backlog goes on too"
    assert len(offsets(batch, partition=1)) == 1
    assert source.lag() > BACKLOG / 2, "and most of it still waited"


def test_while_the_store_is_down_no_more_is_read_than_the_buffer_holds(broker: KafkaBroker, opened: Open) -> None:
    """``idle`` keeps the membership alive for as long as it takes; what it reads meanwhile is bounded and not lost."""
    source = opened()
    first = fetched(source, broker, bool)
    for _ in range(20):
        source.idle(0.05)
    assert len(source._buffer) <= module.HIGH_WATER + module.CHUNK
    rest = fetched(source, broker, lambda so_far: len(offsets(first + so_far)) >= BACKLOG)
    assert offsets(first + rest) == list(range(BACKLOG))


def test_a_rewound_partition_is_read_again_from_there(broker: KafkaBroker, opened: Open) -> None:
    source = opened()
    fetched(source, broker, lambda so_far: len(offsets(so_far)) >= 1_500)
    source.rewind({0: 700})
    again = fetched(source, broker, lambda so_far: len(offsets(so_far)) >= BACKLOG - 700)
    assert offsets(again) == list(range(700, BACKLOG))


def test_what_was_buffered_of_a_partition_that_went_is_read_by_its_new_owner(broker: KafkaBroker, opened: Open) -> None:
    """Nothing was committed, so the new owner begins at the beginning, whatever the former one had taken."""
    former = opened()
    fetched(former, broker, lambda so_far: len(offsets(so_far)) >= 1_500)
    heir = opened()

    def settled() -> bool:
        former.idle(0.05)
        heir.idle(0.05)
        return len(former.owned()) == len(heir.owned()) == EMBEDDINGS.partitions / 2

    wait_until(settled, "each has half of the partitions", DEADLINE_SECONDS, (broker,))
    assert {message.partition for message in former.fetch(LIMIT, 0)} <= former.owned()
    former.close()
    found = fetched(heir, broker, lambda so_far: len(offsets(so_far)) >= BACKLOG)
    assert offsets(found) == list(range(BACKLOG))
