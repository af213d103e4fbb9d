"""What a group has committed."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Consumer, TopicPartition

from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from freshet.topics import Topic


class CommittedOffsets:
    """Asks as a consumer that never joins: an AdminClient that is told to look for another coordinator, as after a
    broker's restart, ends its process (librdkafka 2.16 asks for the group that it does not have).
    """

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "log_level": 0,
                **librdkafka_security(kafka),
            }
        )

    def of(self, topic: Topic, seconds: float) -> Mapping[int, int]:
        """By partition; 0 before the first commit. Blocks; raises KafkaException."""
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        return {one.partition: max(0, one.offset) for one in self._consumer.committed(places, timeout=seconds)}

    def close(self) -> None:
        self._consumer.close()
