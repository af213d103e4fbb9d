"""Where records come from and offsets go: a protocol, so that the simulation can stand in, and Kafka."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from freshet.errors import UnavailableError
from freshet.headers import Headers, read_headers
from freshet.settings import KafkaSettings
from freshet.topics import CONSUMER_GROUP, EMBEDDINGS

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One record as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


Positions = Mapping[int, int]
"""The next offset to read, by partition."""


class Source(Protocol):
    """Ordered records of the assigned partitions. Not thread-safe."""

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        """Up to ``limit`` records: waits ``seconds`` for the first, never for a second."""

    def idle(self, seconds: float) -> None:
        """Wait without fetching, while the group membership stays alive."""

    def owned(self) -> frozenset[int]:
        """The partitions assigned at present."""

    def commit(self, positions: Positions) -> None:
        """Commit, now or with a later commit that works. Partitions no longer owned are left out."""

    def rewind(self, positions: Positions) -> None:
        """Fetch from these offsets again. Partitions no longer owned are left out."""

    def lag(self) -> int:
        """Records not yet fetched, as far as known."""

    def close(self) -> None: ...


class KafkaSource:
    """``vector-embeddings`` through librdkafka, offsets committed by hand only."""

    def __init__(self, kafka: KafkaSettings, on_revoke: Callable[[frozenset[int]], None]) -> None:
        """``on_revoke`` is called inside ``fetch`` or ``idle``, before the partitions go: the last chance to commit."""
        self._on_revoke = on_revoke
        self._owned: frozenset[int] = frozenset()
        self._uncommitted: dict[int, int] = {}
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "group.id": CONSUMER_GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10_000,
                "fetch.wait.max.ms": 500,
                "fetch.min.bytes": 1,
                # The default of 1 s shows as a stall whenever the local queue was full.
                "fetch.queue.backoff.ms": 5,
                "queued.max.messages.kbytes": 16_384,
                "fetch.error.backoff.ms": 50,
                "reconnect.backoff.max.ms": 500,
                "on_commit": self._committed,
                "log_level": 4,
                **kafka.extra,
            },
            logger=log,
        )
        self._consumer.subscribe(
            [EMBEDDINGS.name], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        first = self._consumer.consume(1, seconds)
        if not first:
            return []
        raw = first + (self._consumer.consume(limit - 1, 0) if limit > 1 else [])
        return [_message(message) for message in raw if self._usable(message)]

    def idle(self, seconds: float) -> None:
        assigned = self._consumer.assignment()
        self._consumer.pause(assigned)
        early = self._consumer.poll(seconds)
        self._consumer.resume(self._consumer.assignment())
        if early is not None and self._usable(early):
            # Fetched before the pause took hold: read it again later.
            self._consumer.seek(TopicPartition(early.topic(), early.partition(), early.offset()))

    def owned(self) -> frozenset[int]:
        return self._owned

    def commit(self, positions: Positions) -> None:
        # Asynchronously: a blocking commit never returns when the broker went away and the group must form anew,
        # which only a poll of this same thread lets it do.
        self._uncommitted.update(positions)
        offsets = self._still_owned(self._uncommitted)
        self._uncommitted.clear()
        try:
            if offsets:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            raise UnavailableError("cannot commit offsets", str(error), "they will be read again") from error

    def _committed(self, error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
        for partition in partitions:
            failure = error or partition.error
            if failure is not None and failure.code() != KafkaError._NO_OFFSET:
                log.warning(
                    "offset %d of partition %d goes with the next commit: %s",
                    partition.offset,
                    partition.partition,
                    failure,
                )
                self._uncommitted.setdefault(partition.partition, partition.offset)

    def rewind(self, positions: Positions) -> None:
        for offset in self._still_owned(positions):
            self._consumer.seek(offset)

    def _still_owned(self, positions: Positions) -> list[TopicPartition]:
        return [
            TopicPartition(EMBEDDINGS.name, partition, offset)
            for partition, offset in positions.items()
            if partition in self._owned
        ]

    def lag(self) -> int:
        total = 0
        for partition in self._consumer.position(self._consumer.assignment()):
            try:
                low, high = self._consumer.get_watermark_offsets(partition, cached=True)
            except KafkaException:
                continue
            start = partition.offset if partition.offset >= 0 else low
            total += max(0, high - start) if high >= 0 else 0
        return total

    def close(self) -> None:
        self._consumer.close()

    def _usable(self, message: KafkaMessage) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() not in (KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT):
            log.warning("Kafka: %s", error.str())
        return False

    def _assigned(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._owned |= {partition.partition for partition in partitions}

    def _revoked(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        going = frozenset(partition.partition for partition in partitions)
        self._on_revoke(going)
        self._owned -= going

    def _lost(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._owned -= {partition.partition for partition in partitions}


def _message(message: KafkaMessage) -> Message:
    return Message(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        key=message.key(),
        value=message.value(),
        headers=read_headers(message.headers()),
    )
