"""How far a group is behind on its topic, in records and in seconds, from what it committed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition

from freshet.clock import Clock, wall_clock
from freshet.errors import UnavailableError
from freshet.kafka_security import librdkafka_security
from freshet.offsets import places
from freshet.settings import KafkaSettings
from freshet.topics import Topic

ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Lag:
    """``seconds`` is the age of the oldest record that is not committed; 0 where there is none."""

    records: int
    seconds: float


class GroupLag:
    """Never joins the group. Not thread-safe; each call blocks for some requests."""

    def __init__(self, kafka: KafkaSettings, group: str, topic: Topic, clock: Clock = wall_clock) -> None:
        self._topic = topic
        self._clock = clock
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap,
                # Only to ask for its offsets: partitions are assigned by hand and nothing is committed.
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                # One record of each partition is looked at; with one in the queue it would wait a second for the next.
                "queued.min.messages": 1,
                "fetch.queue.backoff.ms": 20,
                "fetch.wait.max.ms": 20,
                "log_level": 0,
                **librdkafka_security(kafka),
            }
        )

    def look(self) -> Lag:
        """Raises UnavailableError when the broker does not answer."""
        try:
            records, oldest = self._unread()
            return Lag(records, self._age(oldest) if oldest else 0.0)
        except KafkaException as error:
            raise UnavailableError(f"cannot read the lag on {self._topic.name}", error.args[0].str()) from error

    def close(self) -> None:
        self._consumer.close()

    def _unread(self) -> tuple[int, list[TopicPartition]]:
        """How many records, and where the first of them lies in each partition that has some."""
        behind, oldest = 0, []
        for one in self._consumer.committed(places(self._topic), ANSWER_SECONDS):
            low, high = self._consumer.get_watermark_offsets(one, ANSWER_SECONDS)
            # Before its first commit a group starts at the first record; retention may have passed a late one.
            start = max(low, one.offset)
            if start < high:
                behind += high - start
                oldest.append(TopicPartition(one.topic, one.partition, start))
        return behind, oldest

    def _age(self, places: Sequence[TopicPartition]) -> float:
        """Seconds since the oldest record at these places was written."""
        self._consumer.assign(list(places))
        try:
            left = {place.partition for place in places}
            written: list[int] = []
            deadline = time.monotonic() + ANSWER_SECONDS
            while left and time.monotonic() < deadline:
                message = self._consumer.poll(0.2)
                if message is None or message.error() is not None:
                    continue
                if message.partition() in left:
                    left.discard(message.partition())
                    written.append(message.timestamp()[1])
            if not written:
                raise UnavailableError(f"no record of {self._topic.name} came", f"in {ANSWER_SECONDS:g} s")
            return max(0.0, self._clock() / 1e9 - min(written) / 1e3)
        finally:
            self._consumer.unassign()
