"""How far each topic has come and how far its reader is behind, from the broker alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from freshet.kafka_errors import NO_ANSWER, no_answer
from freshet.offsets import Offsets, behind
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
        self._offsets = {group: Offsets(kafka, group) for group in READERS}

    def read(self) -> Flow:
        """Blocks for some answers of the broker. Raises UnavailableError."""
        asking = next(iter(self._offsets.values()))
        try:
            committed = {
                group: self._offsets[group].committed(topic, self._seconds) for group, topic in READERS.items()
            }
            ends = {topic.name: asking.ends(topic, self._seconds) for topic in TOPICS}
        except NO_ANSWER as error:
            raise no_answer(f"Kafka at {self._bootstrap} does not answer", error) from error
        written = {name: sum(offsets.values()) for name, offsets in ends.items()}
        return Flow(written, {group: behind(ends[topic.name], committed[group]) for group, topic in READERS.items()})
