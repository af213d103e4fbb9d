"""How far each topic has come and how far its reader is behind, from the broker alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from freshet.committed import CommittedOffsets
from freshet.errors import UnavailableError
from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from freshet.topics import CONSUMER_GROUP, DEAD_LETTERS, DOCUMENTS, EMBEDDINGS, JOB_GROUP, TOPICS, Topic

READERS: Mapping[str, Topic] = {JOB_GROUP: DOCUMENTS, CONSUMER_GROUP: EMBEDDINGS}


@dataclass(frozen=True, slots=True)
class Flow:
    """``written`` counts the records ever written, by topic; ``behind`` those before a reader, by its group.

    A group commits now and then, so ``behind`` is at most a commit interval too high.
    """

    written: Mapping[str, int]
    behind: Mapping[str, int]

    @property
    def dead_letters(self) -> int:
        return self.written[DEAD_LETTERS.name]


class FlowReader:
    """Keeps its connections. For one thread at a time."""

    def __init__(self, kafka: KafkaSettings, seconds: float = 2.0) -> None:
        self._bootstrap = kafka.bootstrap
        self._seconds = seconds
        self._admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0, **librdkafka_security(kafka)})
        self._committed = {group: CommittedOffsets(kafka, group) for group in READERS}

    def read(self) -> Flow:
        """Blocks for some answers of the broker. Raises UnavailableError."""
        places = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
        try:
            asked = self._admin.list_offsets(
                {place: OffsetSpec.latest() for place in places}, request_timeout=self._seconds
            )
            committed = {group: self._committed[group].of(topic, self._seconds) for group, topic in READERS.items()}
            ends = {(place.topic, place.partition): end.result(self._seconds).offset for place, end in asked.items()}
        except (KafkaException, TimeoutError) as error:
            raise UnavailableError(
                f"Kafka at {self._bootstrap} does not answer", str(error), "see `freshet status`"
            ) from error
        written = {topic.name: 0 for topic in TOPICS}
        for (topic_name, _), offset in ends.items():
            written[topic_name] += offset
        behind = {
            group: sum(
                max(0, ends[topic.name, number] - committed[group][number]) for number in range(topic.partitions)
            )
            for group, topic in READERS.items()
        }
        return Flow(written, behind)
