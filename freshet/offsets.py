"""How far topics reach, and how far a group has read them."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Consumer, TopicPartition

from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from freshet.topics import Topic


class Offsets:
    """Asks as a consumer that never joins its group. Not thread-safe.

    An AdminClient does not live through a broker's restart: told to look for another coordinator, librdkafka 2.16 ends
    the process; its ends of partitions are refused from then on, as it keeps the leader's epoch from before.
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

    def committed(self, topic: Topic, seconds: float) -> Mapping[int, int]:
        """By partition; 0 before the first commit. Blocks; raises KafkaException."""
        return {one.partition: max(0, one.offset) for one in self._consumer.committed(places(topic), timeout=seconds)}

    def ends(self, topic: Topic, seconds: float) -> Mapping[int, int]:
        """By partition. Blocks for one answer of each; raises KafkaException."""
        return {one.partition: self._consumer.get_watermark_offsets(one, timeout=seconds)[1] for one in places(topic)}

    def close(self) -> None:
        self._consumer.close()


def behind(ends: Mapping[int, int], committed: Mapping[int, int]) -> int:
    """Records before a reader, all partitions together."""
    return sum(max(0, end - committed[number]) for number, end in ends.items())


def places(topic: Topic) -> list[TopicPartition]:
    """All partitions."""
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]
