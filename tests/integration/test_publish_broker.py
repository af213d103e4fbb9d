"""Publishing to a real broker of its own, and reading its offsets, while these tests stop and start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from freshet.codec import decode_document
from freshet.dead_letters import DeadLetter
from freshet.errors import RejectedRecord, UsageError
from freshet.events import DocumentEvent
from freshet.headers import PUBLISHED, SOURCE_COMMIT, TRACEPARENT, read_headers, stamp
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings, Profile
from freshet.stack.kafka import KafkaBroker, create_topics
from freshet.stack.process import StackProcess, wait_until
from freshet.topics import DOCUMENTS
from tests.integration.brokers import own_broker


@retry(retry=retry_if_exception_type(KafkaException), wait=wait_fixed(0.1), stop=stop_after_delay(20), reraise=True)
def messages(bootstrap: str, topic: str = DOCUMENTS.name) -> list[Message]:
    """Everything on a topic now, in order within each partition; asks again while a started broker elects leaders."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test-reader", "enable.auto.commit": False})
    try:
        found: list[Message] = []
        for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            consumer.assign([TopicPartition(topic, number, low)])
            last = low - 1
            while last < high - 1:
                message = consumer.poll(10)
                assert message is not None, f"nothing more on {topic}/{number} after {last} of {high}"
                if (error := message.error()) is not None:
                    raise KafkaException(error)
                found.append(message)
                last = message.offset() or 0
        return found
    finally:
        consumer.close()


def events(bootstrap: str) -> list[DocumentEvent]:
    return [decode_document(message.value(), message.key()) for message in messages(bootstrap)]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with own_broker(tmp_path_factory.mktemp("broker")) as broker:
        with (
            Publisher(KafkaSettings(bootstrap=broker.bootstrap)) as publisher,
            pytest.raises(UsageError, match="exist"),
        ):
            publisher.publish("a", "before there is a topic", version=1).result(20)
        create_topics(broker.bootstrap)
        yield broker


@pytest.fixture(params=["low-latency", "durable"])
def publisher(request: pytest.FixtureRequest, broker: KafkaBroker) -> Iterator[Publisher]:
    profile: Profile = request.param
    with Publisher(KafkaSettings(bootstrap=broker.bootstrap), profile) as publisher:
        yield publisher


def test_the_receipt_says_where_the_record_lies(publisher: Publisher, broker: KafkaBroker) -> None:
    receipts = [publisher.publish("place", "words", version=version).result(20) for version in (1, 2)]
    assert receipts[0].partition == receipts[1].partition
    assert receipts[1].offset > receipts[0].offset
    [message] = [
        message
        for message in messages(broker.bootstrap)
        if (message.partition(), message.offset()) == (receipts[1].partition, receipts[1].offset)
    ]
    assert message.key() == b"place"
    headers = read_headers(message.headers())
    assert len(headers[TRACEPARENT]) == 55
    assert (stamp(headers, SOURCE_COMMIT) or 0) <= (stamp(headers, PUBLISHED) or 0)


def test_a_long_text_arrives_whole(publisher: Publisher, broker: KafkaBroker) -> None:
    sentence = "A sentence of some words that goes on for a while, and then it ends. "
    id = f"long-{id_of(publisher)}"
    receipt = publisher.publish(id, (sentence * 1000 for _ in range(100)), version=1).result(60)
    parts = [event for event in events(broker.bootstrap) if event.id == id]
    assert [event.part for event in parts] == list(range(receipt.parts))
    assert [event.last for event in parts] == [False] * (receipt.parts - 1) + [True]
    assert "".join(event.text or "" for event in parts) == sentence * 100_000


def test_a_record_above_the_brokers_limit_is_refused(publisher: Publisher) -> None:
    with pytest.raises(RejectedRecord) as refused:
        publisher.dead_letter(DeadLetter(key=b"k", value=b"x" * 2_000_000, stage="files", reason="binary"))
    assert refused.value.reason == "record-too-large"


def test_any_program_publishes_in_one_line(broker: KafkaBroker) -> None:
    program = (
        "import freshet, os\n"
        "print(freshet.publish('program', 'words', metadata={'n': 1}).partition)\n"
        "child = os.fork()\n"
        "if not child: freshet.publish('program-child', 'after a fork'); os._exit(0)\n"
        "print(os.waitpid(child, 0)[1], freshet.delete('program').parts)\n"
    )
    environment = {**os.environ, "FRESHET_KAFKA_BOOTSTRAP": broker.bootstrap}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout.split()[1:], run.stderr) == (0, ["0", "1"], "")
    mine = {event.id: event for event in events(broker.bootstrap) if event.id.startswith("program")}
    assert mine["program-child"].text == "after a fork"
    assert mine["program"].op == "delete"


def test_a_broker_that_restarts_costs_time_but_no_acknowledged_record(
    publisher: Publisher, broker: KafkaBroker
) -> None:
    id = f"restart-{id_of(publisher)}"
    before = [publisher.publish(f"{id}-{number}", "words", version=1) for number in range(50)]
    broker.kill()
    during = [publisher.publish(f"{id}-{number}", "words", version=1) for number in range(50, 100)]
    broker.start()
    broker.wait_ready()
    acknowledged = {future.result(40).id for future in during} | {
        future.result(40).id for future in before if future.exception(40) is None
    }
    found = {event.id for event in events(broker.bootstrap)}
    assert acknowledged <= found
    assert len(acknowledged) >= 50


def test_who_reads_how_far_the_groups_are_outlives_a_restart_of_the_broker(broker: KafkaBroker, tmp_path: Path) -> None:
    """The broker then sends them to look for the groups' coordinator, which ends the process of an AdminClient."""
    reader = FlowWatch(tmp_path / "flow.log", broker.bootstrap)
    reader.start()
    try:
        reader.wait_ready()
        for _ in range(2):
            broker.stop()
            broker.start()
            broker.wait_ready()
            read = reader.reads()
            wait_until(lambda: reader.reads() > read, "the flow is read again", 60, (reader,))  # noqa: B023
    finally:
        reader.kill()


class FlowWatch(StackProcess):
    """Reads the flow again and again, and prints how often it could."""

    PROGRAM = (
        "import sys, time\n"
        "from freshet.errors import UnavailableError\n"
        "from freshet.flow import FlowReader\n"
        "from freshet.settings import KafkaSettings\n"
        "reader, read = FlowReader(KafkaSettings(bootstrap=sys.argv[1])), 0\n"
        "while True:\n"
        "    try: reader.read(); read += 1; print(read, flush=True)\n"
        "    except UnavailableError as error: print(error, file=sys.stderr, flush=True)\n"
        "    time.sleep(0.05)\n"
    )

    def __init__(self, log: Path, bootstrap: str) -> None:
        super().__init__("flow", log)
        self._bootstrap = bootstrap

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", self.PROGRAM, self._bootstrap]

    def ready(self) -> bool:
        return self.reads() > 0

    def reads(self) -> int:
        return sum(line.isdigit() for line in self.log.read_text().splitlines()) if self.log.exists() else 0


def id_of(publisher: Publisher) -> str:
    return format(id(publisher), "x")
