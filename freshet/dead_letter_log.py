"""``dead-letters`` read from its start: the letters, and which of them were sent back."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from freshet.dead_letters import DeadLetter, HeaderList, marked_place
from freshet.errors import UnavailableError
from freshet.kafka_errors import NO_ANSWER, no_answer
from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from freshet.topics import DEAD_LETTERS

ANSWER_SECONDS = 5.0
Place = tuple[int, int]
"""Partition and offset on ``dead-letters``."""


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter where it lies; ``written_ms`` is Kafka's timestamp in milliseconds since the epoch."""

    partition: int
    offset: int
    written_ms: int
    letter: DeadLetter
    redriven: bool = False

    @property
    def place(self) -> Place:
        return self.partition, self.offset


def letters(kafka: KafkaSettings, newest: int | None = None) -> list[StoredLetter]:
    """All that are kept, oldest first, without their values: a letter takes about 1 kB of memory, however large it is.

    With ``newest`` those among the last so many records of each partition, which are letters and marks of redrives.

    Blocks for the reading. Raises UnavailableError when the broker does not answer.
    """
    found: dict[Place, StoredLetter] = {}
    redriven: set[Place] = set()
    for message in _messages(kafka, newest=newest):
        if (place := marked_place(_headers(message))) is not None:
            redriven.add(place)
            continue
        stored = _stored(message, False)
        found[stored.place] = stored
    return [replace(one, redriven=one.place in redriven) for one in found.values()]


def chosen(kafka: KafkaSettings, places: Collection[Place]) -> Iterator[StoredLetter]:
    """The letters at these places with their values, one at a time; places that hold no letter are passed over."""
    for message in _messages(kafka, places):
        stored = _stored(message, True)
        if stored.place in places and marked_place(_headers(message)) is None:
            yield stored


def _stored(message: Message, with_value: bool) -> StoredLetter:
    value = _bytes(message.value()) if with_value else None
    letter = DeadLetter.from_record(_bytes(message.key()), value, _headers(message))
    return StoredLetter(message.partition() or 0, message.offset() or 0, message.timestamp()[1], letter)


def _headers(message: Message) -> HeaderList:
    raw = message.headers() or []
    return [(name, _bytes(value)) for name, value in (raw.items() if isinstance(raw, dict) else raw)]


def _bytes(value: str | bytes | None) -> bytes | None:
    """librdkafka gives bytes; its Python types also allow text."""
    return value.encode() if isinstance(value, str) else value


def _messages(
    kafka: KafkaSettings, places: Collection[Place] | None = None, newest: int | None = None
) -> Iterator[Message]:
    """Every record up to what was the end at the start, or those from the first to the last of ``places``."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            # Never joins the group: partitions are assigned by hand and nothing is committed.
            "group.id": "freshet-dead-letter-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": 16_384,
            "log_level": 0,
            **librdkafka_security(kafka),
        }
    )
    try:
        for partition in range(DEAD_LETTERS.partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(DEAD_LETTERS.name, partition), ANSWER_SECONDS)
            offsets = range(low if newest is None else max(low, high - newest), high)
            if places is not None:
                wanted = [offset for number, offset in places if number == partition and offset in offsets]
                offsets = range(min(wanted), max(wanted) + 1) if wanted else range(0)
            if offsets:
                yield from _range(consumer, partition, offsets)
    except NO_ANSWER as error:
        raise no_answer(f"Kafka at {kafka.bootstrap} does not answer", error) from error
    finally:
        consumer.close()


def _range(consumer: Consumer, partition: int, offsets: range) -> Iterator[Message]:
    consumer.assign([TopicPartition(DEAD_LETTERS.name, partition, offsets.start)])
    while True:
        message = consumer.poll(ANSWER_SECONDS)
        if message is None:
            raise UnavailableError("Kafka stopped answering", f"while reading {DEAD_LETTERS.name}", "try again")
        if (error := message.error()) is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                return
            raise KafkaException(error)
        offset = message.offset() or 0
        if offset < offsets.stop:
            yield message
        if offset >= offsets.stop - 1:
            return
