"""Where records come from and offsets go: a protocol, so that the simulation can stand in, and Kafka."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from consumers.fairness import FairBuffer
from freshet import librdkafka_log
from freshet.errors import UnavailableError
from freshet.headers import Headers, read_headers
from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from freshet.topics import CONSUMER_GROUP, EMBEDDINGS

HIGH_WATER = 1_000
"""Records of one partition that wait here before it is paused."""
LOW_WATER = 500
"""Where it is resumed: enough left for the time that the broker needs to send more."""
SHORTEST_WAIT_SECONDS = 0.001
"""librdkafka waits whole milliseconds: asked to wait for less it returns at once."""
CHUNK = 500
"""Records drained from librdkafka at once."""

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
        """Up to ``limit`` records, shared evenly by the partitions that have some: waits ``seconds`` for the first,
        never for a second. None of a partition that went away in this call.
        """

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
    """``vector-embeddings`` through librdkafka, offsets committed by hand only.

    librdkafka has one queue for all partitions: a backlog in one of them would stand before a new record of another.
    So that queue is drained into a FairBuffer at each turn, and a partition that has enough there is paused.
    """

    def __init__(self, kafka: KafkaSettings, on_revoke: Callable[[frozenset[int]], None]) -> None:
        """``on_revoke`` is called inside ``fetch`` or ``idle``, before the partitions go: the last chance to commit.

        It is called as well when they are gone already, after a session that expired; a commit then leaves them out.
        """
        self._on_revoke = on_revoke
        self._owned: frozenset[int] = frozenset()
        self._uncommitted: dict[int, int] = {}
        self._buffer: FairBuffer[Message] = FairBuffer(HIGH_WATER, LOW_WATER)
        self._paused: frozenset[int] = frozenset()
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "group.id": CONSUMER_GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10_000,
                # A connection that a firewall has forgotten is replaced after this, and not after a minute.
                "socket.timeout.ms": 10_000,
                # A resumed partition is asked for only when the broker has answered for the others.
                "fetch.wait.max.ms": 100,
                "fetch.min.bytes": 1,
                # The default of 1 s shows as a stall whenever the local queue was full.
                "fetch.queue.backoff.ms": 5,
                "queued.max.messages.kbytes": 16_384,
                # What was fetched of a partition is dropped when it is paused: fetch little beyond the buffer.
                "queued.min.messages": HIGH_WATER,
                "fetch.error.backoff.ms": 50,
                "reconnect.backoff.max.ms": 500,
                "on_commit": self._committed,
                "log_level": 4,
                **librdkafka_security(kafka),
            },
            logger=librdkafka_log.log,
        )
        self._consumer.subscribe(
            [EMBEDDINGS.name], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        self._fill(0.0 if len(self._buffer) else seconds)
        taken = self._buffer.take(limit)
        self._resume(self._buffer.hungry())
        return taken

    def idle(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if left < SHORTEST_WAIT_SECONDS:
                time.sleep(left)
            else:
                self._fill(left)

    def _fill(self, seconds: float) -> None:
        """Take over what librdkafka has; waits ``seconds`` for the first record when it has none."""
        if seconds > 0:
            first = self._consumer.consume(1, seconds)
            if not first:
                return
            self._keep(first)
        while raw := self._consumer.consume(CHUNK, 0):
            self._keep(raw)
            if len(raw) < CHUNK:
                return

    def _keep(self, raw: Sequence[KafkaMessage]) -> None:
        for message in raw:
            # One that was revoked meanwhile is read by its new owner.
            if self._usable(message) and message.partition() in self._owned:
                self._buffer.put(message.partition(), _message(message))
        self._pause(self._buffer.full - self._paused)

    def _pause(self, partitions: frozenset[int]) -> None:
        if partitions:
            self._consumer.pause(_places(partitions))
            self._paused |= partitions

    def _resume(self, partitions: frozenset[int]) -> None:
        if going_on := partitions & self._paused:
            self._paused -= going_on
            self._consumer.resume(_places(going_on))

    def _forget(self, partitions: frozenset[int]) -> None:
        """These partitions' buffered records are of no use any more."""
        self._buffer.drop(partitions)
        self._resume(partitions)

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
            # Among them may be some that failed before, and that nobody will pass again.
            self._uncommitted.update({place.partition: place.offset for place in offsets})
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
        offsets = self._still_owned(positions)
        self._forget(frozenset(offset.partition for offset in offsets))
        for offset in offsets:
            self._consumer.seek(offset)

    def _still_owned(self, positions: Positions) -> list[TopicPartition]:
        return [
            TopicPartition(EMBEDDINGS.name, partition, offset)
            for partition, offset in positions.items()
            if partition in self._owned
        ]

    def lag(self) -> int:
        total = len(self._buffer)
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
            librdkafka_log.log.warning("Kafka: %s", error.str())
        return False

    def _assigned(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        coming = {partition.partition for partition in partitions}
        # An offset that was refused when they were here before would set back what their owner since committed.
        self._uncommitted = {number: at for number, at in self._uncommitted.items() if number not in coming}
        self._owned |= coming

    def _revoked(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        going = frozenset(partition.partition for partition in partitions)
        self._on_revoke(going)
        self._owned -= going
        self._forget(going)

    def _lost(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        gone = frozenset(partition.partition for partition in partitions)
        self._owned -= gone
        self._on_revoke(gone)
        with suppress(KafkaException):
            # The broker has them no more for us, librdkafka perhaps still.
            self._forget(gone)


def _places(partitions: frozenset[int]) -> list[TopicPartition]:
    return [TopicPartition(EMBEDDINGS.name, partition) for partition in sorted(partitions)]


def _message(message: KafkaMessage) -> Message:
    return Message(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        key=message.key(),
        value=message.value(),
        headers=read_headers(message.headers()),
    )
