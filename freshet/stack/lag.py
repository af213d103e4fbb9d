"""How far the readers of the topics are behind."""

from __future__ import annotations

from contextlib import closing

from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from freshet.flow import READERS
from freshet.kafka_errors import NO_ANSWER, no_answer
from freshet.kafka_security import librdkafka_security
from freshet.offsets import Offsets, behind, places
from freshet.settings import KafkaSettings
from freshet.topics import CONSUMER_GROUP, DOCUMENTS, EMBEDDINGS, JOB_GROUP

START_SECONDS = 30.0
"""A broker that has just started on a busy machine reads its groups' offsets before it answers."""


def lags(kafka: KafkaSettings, seconds: float = 5) -> dict[str, int]:
    """Records behind by group, from committed offsets: at most a commit interval too high. Raises UnavailableError."""
    found: dict[str, int] = {}
    try:
        for group, topic in READERS.items():
            with closing(Offsets(kafka, group)) as offsets:
                committed = offsets.committed(topic, seconds)
                found[group] = behind(offsets.ends(topic, seconds), committed)
    except NO_ANSWER as error:
        raise no_answer(f"cannot read offsets from {kafka.bootstrap}", error) from error
    return found


def members(kafka: KafkaSettings) -> int:
    """How many consumers have partitions; 0 while they are being shared out, or where the broker does not answer."""
    admin = admin_client(kafka)
    try:
        group = admin.describe_consumer_groups([CONSUMER_GROUP], request_timeout=1)[CONSUMER_GROUP].result(1)
    except (KafkaException, TimeoutError):
        return 0
    if group.state is not ConsumerGroupState.STABLE:
        return 0
    return sum(bool(member.assignment.topic_partitions) for member in group.members)


def replay_documents(kafka: KafkaSettings, seconds: float = START_SECONDS) -> None:
    """Let the job read ``documents`` from its beginning, and the consumer only what the job makes from now on.

    Vectors of an earlier model may lie on ``vector-embeddings``: they are passed over. Both readers must be stopped.
    """
    admin = admin_client(kafka)
    latest = admin.list_offsets(dict.fromkeys(places(EMBEDDINGS), OffsetSpec.latest()), request_timeout=seconds)
    skipped = [TopicPartition(one.topic, one.partition, end.result(seconds).offset) for one, end in latest.items()]
    reread_documents(kafka, seconds)
    set_offsets(kafka, CONSUMER_GROUP, skipped, seconds)


def reread_documents(kafka: KafkaSettings, seconds: float = START_SECONDS) -> None:
    """Let the job, which must be stopped, read ``documents`` from its beginning; by their versions nothing changes."""
    set_offsets(
        kafka, JOB_GROUP, [TopicPartition(DOCUMENTS.name, number, 0) for number in range(DOCUMENTS.partitions)], seconds
    )


def set_offsets(kafka: KafkaSettings, group: str, offsets: list[TopicPartition], seconds: float) -> None:
    """Of a group that nobody is in. Blocks; raises UnavailableError."""
    # Kept until the answer is there: a client that is collected before never gives one.
    admin = admin_client(kafka)
    try:
        request = [ConsumerGroupTopicPartitions(group, offsets)]
        admin.alter_consumer_group_offsets(request)[group].result(seconds)
    except NO_ANSWER as error:
        raise no_answer(f"cannot set offsets at {kafka.bootstrap}", error) from error


def admin_client(kafka: KafkaSettings) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0, **librdkafka_security(kafka)})
