"""The job runs as its manifest says, on a broker that checks certificates and the manifests' ACLs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from consumers.dead_letter_sink import KafkaDeadLetters
from consumers.dead_letters import send_back
from consumers.source import KafkaSource
from freshet.codec import decode_embedding
from freshet.dead_letter_log import letters
from freshet.dead_letters import DeadLetter
from freshet.errors import UsageError
from freshet.flow import READERS
from freshet.kafka_security import librdkafka_security
from freshet.monitor.dead_letters import WaitingLetters
from freshet.monitor.group_lag import GroupLag
from freshet.offsets import Offsets
from freshet.publishing import Publisher
from freshet.rewind import rewind
from freshet.settings import KafkaSettings
from freshet.stack import jars
from freshet.stack.flink import FlinkHome
from freshet.stack.lag import lags
from freshet.stack.process import wait_until
from freshet.topics import CONSUMER_GROUP, DOCUMENTS, EMBEDDINGS, JOB_GROUP
from producers.cdc.capture import read_capture
from producers.cdc.live import GROUP as CDC_GROUP
from tests.manifests.deployed_job import DeployedJob
from tests.manifests.overlays import K8S, build, named, of_kind, overlay
from tests.manifests.secured_broker import SecuredBroker
from tests.manifests.secured_connect import SecuredConnect

CACHE = Path.home() / ".cache" / "freshet" / "jars"
BATCH = 50


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    folder = tmp_path_factory.mktemp("secured")
    secured = SecuredBroker(folder / "kafka", jars.resolve("kafka", CACHE), folder / "kafka.log")
    try:
        secured.start()
        secured.wait_ready()
        objects = overlay("production")
        captured = build(K8S / "base" / "kafka" / "connect")
        secured.apply(of_kind(objects, "KafkaTopic"), of_kind((*objects, *captured), "KafkaUser"))
        yield secured
    finally:
        secured.stop()


@pytest.fixture
def job(broker: SecuredBroker, tmp_path: Path) -> Iterator[DeployedJob]:
    folder = broker.certificates("flink-job")
    environment = {
        "FRESHET_KAFKA_BOOTSTRAP": broker.secured,
        "FRESHET_KAFKA_CA": str(folder / "ca.crt"),
        "FRESHET_KAFKA_CERTIFICATE": str(folder / "user.crt"),
        "FRESHET_KAFKA_KEY": str(folder / "user.key"),
        "FRESHET_JOB_CACHE_PATH": str(tmp_path / "vectors.sqlite"),
        "FRESHET_JOB_METRICS_HOST": "127.0.0.1",
        "FRESHET_JOB_METRICS_PORT": "0",
    }
    deployed = DeployedJob(overlay("kind"), tmp_path, jars.resolve("flink", CACHE), environment)
    yield deployed
    deployed.stop()


def publish(kafka: KafkaSettings, first: int) -> None:
    with Publisher(kafka, "durable") as publisher:
        for number in range(first, first + BATCH):
            publisher.publish(f"d{number}", f"Document {number} says something of its own.", version=1).result(30)


def embedded(consumer: Consumer, seen: Counter[str], count: int) -> None:
    """Block until chunks of so many documents have come."""

    def arrived() -> bool:
        for message in consumer.consume(100, 0.2):
            assert message.error() is None, message.error()
            seen[decode_embedding(message.value()).id] += 1
        return len(seen) >= count

    wait_until(arrived, f"{count} documents are embedded", 60)


@pytest.mark.timeout(600)
def test_the_job_runs_as_the_manifest_says_and_a_savepoint_loses_nothing(
    broker: SecuredBroker, job: DeployedJob
) -> None:
    producer = broker.client("producer-files")
    settings = librdkafka_security(broker.client("consumers"))
    group = {"group.id": CONSUMER_GROUP, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": broker.secured, **group, **settings})
    consumer.subscribe([EMBEDDINGS.name])
    seen: Counter[str] = Counter()
    try:
        job.start()
        publish(producer, 0)
        embedded(consumer, seen, BATCH)
        publish(producer, BATCH)
        savepoint = job.stop_with_savepoint()
        publish(producer, 2 * BATCH)
        job.start(savepoint)
        publish(producer, 3 * BATCH)
        embedded(consumer, seen, 4 * BATCH)
    finally:
        consumer.close()
    assert seen == Counter({f"d{number}": 1 for number in range(4 * BATCH)})


def test_each_other_process_can_do_its_work_with_its_rights(broker: SecuredBroker) -> None:
    """Each client as its process makes it; a right that were missing would fail it."""
    with Publisher(broker.client("canary"), "durable") as publisher:
        publisher.publish("canary", "A canary sings.", version=1).result(30)
    letter = DeadLetter(key=b"k", value=b"{}", stage="consumer", reason="malformed", topic=DOCUMENTS.name)
    KafkaDeadLetters(broker.client("consumers")).send([replace(letter, partition=0, offset=0)])
    source = KafkaSource(broker.client("consumers"), lambda partitions: None)
    try:
        wait_until(lambda: bool(source.fetch(1, 0.1)) or len(source.owned()) == EMBEDDINGS.partitions, "it reads", 30)
    finally:
        source.close()
    searching = broker.client("search")
    (stored,) = [one for one in letters(searching) if one.letter.key == b"k"]
    assert send_back(searching, [stored.place]).sent == 1
    monitoring = broker.client("monitor")
    lag, waiting = GroupLag(monitoring, CONSUMER_GROUP, EMBEDDINGS), WaitingLetters(monitoring)
    try:
        assert lag.look().records >= 0
        assert waiting.look() == 0
    finally:
        lag.close()
        waiting.close()
    assert lags(broker.client("operator")).keys() == {CONSUMER_GROUP, JOB_GROUP}


def test_the_autoscaler_sees_the_lag_and_reads_nothing(broker: SecuredBroker) -> None:
    keda = broker.client("keda")
    with closing(Offsets(keda, CONSUMER_GROUP)) as offsets:
        assert all(end >= 0 for end in offsets.ends(EMBEDDINGS, 30).values())
        assert len(offsets.committed(EMBEDDINGS, 30)) == EMBEDDINGS.partitions
    reader = Consumer({"bootstrap.servers": broker.secured, "group.id": "none", **librdkafka_security(keda)})
    refused: list[str] = []

    def read() -> bool:
        message = reader.poll(0.2)
        if message is not None and (error := message.error()) is not None:
            refused.append(error.name())
        return bool(refused)

    try:
        reader.assign([TopicPartition(EMBEDDINGS.name, 0, 0)])
        wait_until(read, "the broker refuses the autoscaler's reading", 30)
    finally:
        reader.close()
    assert set(refused) <= {"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"}


def test_change_capture_can_do_its_work_with_its_rights(broker: SecuredBroker, tmp_path: Path) -> None:
    """A worker of Kafka Connect comes up on its own topics; what Debezium makes and writes, the producer reads."""
    kafka = broker.client("connect")
    worker = SecuredConnect(tmp_path, kafka, tmp_path / "connect.log")
    try:
        worker.start()
        worker.wait_ready()
    finally:
        worker.stop()
    topic = read_capture(K8S / "components" / "postgres" / "shop.yaml").topic("public.articles")
    security = {"bootstrap.servers": broker.secured, "log_level": 0, **librdkafka_security(kafka)}
    admin = AdminClient(security)
    made = admin.create_topics([NewTopic(name, 1, 1) for name in (topic, "cdc-heartbeat.cdc.shop")])
    for created in made.values():
        created.result(30)
    delivered: list[object] = []
    debezium = Producer(security)
    debezium.produce(topic, b"a row", on_delivery=lambda error, message: delivered.append(error))
    debezium.flush(30)
    assert delivered == [None]
    producer = broker.client("producer-cdc")
    for name, read_topic in READERS.items():
        with closing(Offsets(producer, name)) as offsets:
            assert len(offsets.committed(read_topic, 30)) == len(offsets.ends(read_topic, 30)) == read_topic.partitions
    settings = librdkafka_security(producer)
    group = {"group.id": CDC_GROUP, "auto.offset.reset": "earliest"}
    consumer = Consumer({"bootstrap.servers": broker.secured, **group, **settings})
    seen: list[bytes] = []

    def read() -> bool:
        message = consumer.poll(0.2)
        if message is not None:
            assert message.error() is None, message.error()
            seen.append(message.value())
        return bool(seen)

    try:
        consumer.subscribe([topic])
        wait_until(read, "the producer of rows reads what was captured", 30)
        consumer.commit(asynchronous=False)
    finally:
        consumer.close()
    assert seen == [b"a row"]


def test_an_operator_sets_a_stopped_reader_back(broker: SecuredBroker) -> None:
    """With the rights of its user; of a reader that runs it refuses to."""
    operator = broker.client("operator")
    with Publisher(broker.client("producer-files"), "durable") as publisher:
        publisher.publish("again", "To be read again.", version=1).result(30)
    assert rewind(operator, "job") == dict.fromkeys(range(DOCUMENTS.partitions), 0)
    assert sum(rewind(operator, "job", datetime(2100, 1, 1, tzinfo=timezone.utc)).values()) > 0
    source = KafkaSource(broker.client("consumers"), lambda partitions: None)
    try:
        wait_until(lambda: bool(source.fetch(1, 0.1)) or len(source.owned()) == EMBEDDINGS.partitions, "it reads", 30)
        with pytest.raises(UsageError, match="stop its readers first"):
            rewind(operator, "consumer")
    finally:
        source.close()


def test_a_user_may_not_do_what_is_another_stages(broker: SecuredBroker) -> None:
    """The consumers write no documents, and who shows no certificate is not let in."""
    refused: list[str] = []
    producer = Producer(
        {"bootstrap.servers": broker.secured, "log_level": 0, **librdkafka_security(broker.client("consumers"))}
    )
    producer.produce(DOCUMENTS.name, b"{}", on_delivery=lambda error, message: refused.append(error.name()))
    producer.flush(10)
    assert refused == ["TOPIC_AUTHORIZATION_FAILED"]
    trusting = broker.client("consumers").model_copy(update={"certificate": None, "key": None})
    stranger = Consumer(
        {"bootstrap.servers": broker.secured, "group.id": "x", "log_level": 0, **librdkafka_security(trusting)}
    )
    with pytest.raises(KafkaException, match=r"_TRANSPORT|_TIMED_OUT|_ALL_BROKERS_DOWN|_SSL"):
        stranger.list_topics(timeout=3)
    stranger.close()


def test_java_is_opened_as_the_distribution_asks(tmp_path: Path) -> None:
    distribution = FlinkHome(tmp_path, (), tmp_path).distribution
    own = yaml.safe_load((distribution / "conf" / "config.yaml").read_text())["env"]["java"]["opts"]["all"]
    configuration = named(overlay("production"), "FlinkDeployment", "vector-ingestion-job")["spec"][
        "flinkConfiguration"
    ]
    assert configuration["env.java.opts.all"].split() == own.split()
