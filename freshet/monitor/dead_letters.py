"""How many dead letters wait, those that lie on the topic and were not sent back, and how many were."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaException, TopicPartition

from freshet.dead_letters import marked_place
from freshet.errors import UnavailableError
from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from freshet.topics import DEAD_LETTERS

ANSWER_SECONDS = 5.0
AT_ONCE = 500


class WaitingLetters:
    """Follows ``dead-letters`` from its start; a letter takes about 100 bytes. Not thread-safe."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap,
                # Never joins the group: partitions are assigned by hand and nothing is committed.
                "group.id": "freshet-monitor",
                "enable.auto.commit": False,
                "queued.max.messages.kbytes": 4_096,
                "log_level": 0,
                **librdkafka_security(kafka),
            }
        )
        self._places: set[tuple[int, int]] = set()
        self.redriven = 0
        """Since the first look ended."""
        self._looked = False
        self._read_to: dict[int, int] = {}

    def look(self) -> int:
        """Block until what lay there at the call is read. Raises UnavailableError when the broker does not answer."""
        try:
            ends = {number: self._range(number) for number in range(DEAD_LETTERS.partitions)}
            self._start({number: low for number, (low, _) in ends.items()})
            while any(self._read_to[number] < high for number, (_, high) in ends.items()):
                self._read()
        except KafkaException as error:
            raise UnavailableError(f"cannot read {DEAD_LETTERS.name}", error.args[0].str()) from error
        # What retention removed waits no longer.
        self._places = {(number, offset) for number, offset in self._places if offset >= ends[number][0]}
        if not self._looked:
            self._looked, self.redriven = True, 0
        return len(self._places)

    def close(self) -> None:
        self._consumer.close()

    def _range(self, number: int) -> tuple[int, int]:
        low, high = self._consumer.get_watermark_offsets(TopicPartition(DEAD_LETTERS.name, number), ANSWER_SECONDS)
        return low, high

    def _start(self, lows: dict[int, int]) -> None:
        if all(self._read_to.get(number, -1) >= low for number, low in lows.items()):
            return
        self._read_to = {number: max(low, self._read_to.get(number, 0)) for number, low in lows.items()}
        self._consumer.assign(
            [TopicPartition(DEAD_LETTERS.name, number, offset) for number, offset in self._read_to.items()]
        )

    def _read(self) -> None:
        messages = self._consumer.consume(AT_ONCE, ANSWER_SECONDS)
        if not messages:
            raise UnavailableError(f"{DEAD_LETTERS.name} stopped coming", f"in {ANSWER_SECONDS:g} s")
        for message in messages:
            if (error := message.error()) is not None:
                raise KafkaException(error)
            place = message.partition(), message.offset()
            redriven = marked_place(message.headers())
            if redriven is None:
                self._places.add(place)
            else:
                self._places.discard(redriven)
                self.redriven += 1
            self._read_to[place[0]] = place[1] + 1
