"""How far the readers of the topics are behind."""

from __future__ import annotations

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from freshet.errors import UnavailableError
from freshet.settings import KafkaSettings
from freshet.topics import CONSUMER_GROUP, DOCUMENTS, EMBEDDINGS, JOB_GROUP

READERS = ((JOB_GROUP, DOCUMENTS), (CONSUMER_GROUP, EMBEDDINGS))


def lags(kafka: KafkaSettings, seconds: float = 5) -> dict[str, int]:
    """Records behind by group, from committed offsets: at most a commit interval too high. Raises UnavailableError."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0, **kafka.extra})
    try:
        behind: dict[str, int] = {}
        for group, topic in READERS:
            partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
            ends = admin.list_offsets({one: OffsetSpec.latest() for one in partitions}, request_timeout=seconds)
            request = [ConsumerGroupTopicPartitions(group, partitions)]
            committed = admin.list_consumer_group_offsets(request)[group].result(seconds)
            done = {one.partition: max(0, one.offset) for one in committed.topic_partitions}
            behind[group] = sum(
                max(0, end.result(seconds).offset - done.get(one.partition, 0)) for one, end in ends.items()
            )
    except (KafkaException, TimeoutError) as error:
        raise UnavailableError(f"cannot read offsets from {kafka.bootstrap}", str(error)) from error
    return behind
