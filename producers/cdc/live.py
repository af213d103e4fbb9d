"""Changes as they come: from Debezium's topics to ``documents``."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from freshet.errors import RejectedRecord, UnavailableError
from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from producers.cdc.capture import Capture
from producers.cdc.document import unchanged_columns
from producers.cdc.envelope import Change, EnvelopeReader
from producers.cdc.held import HeldChanges
from producers.cdc.mapping import Delete, Nothing, Truncate, Upsert, key_values, meaning_of
from producers.cdc.offsets import Offsets
from producers.cdc.outbox import outbox_event
from producers.cdc.reselect import Reselect, RowsAway
from producers.cdc.voice import Voice

GROUP: Final = "freshet-cdc"
_ABSENT: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION)

_HELD_POLL_S: Final = 0.02

_log: Final = logging.getLogger(__name__)

Place = tuple[str, int, int]
"""Topic, partition, offset."""


class Sweeper(Protocol):
    """Deletes what a TRUNCATE emptied."""

    def sweep(
        self, capture: Capture, truncate: Truncate, committed_ns: int, before: Sequence[Future[Any]]
    ) -> Future[None]:
        """``before`` are the reports of the table's changes that were sent before it."""


class LiveChanges:
    """One thread calls ``step`` for ever. Offsets are committed behind delivery reports."""

    def __init__(
        self,
        kafka: KafkaSettings,
        voice: Voice,
        sweeper: Sweeper,
        max_in_flight: int,
        *,
        consumer: Consumer | None = None,
        reselect: Reselect | None = None,
    ) -> None:
        self._consumer = consumer or Consumer(_properties(kafka))
        self._voice = voice
        self._sweeper = sweeper
        self._max_in_flight = max_in_flight
        self._reader = EnvelopeReader()
        self._reselect = reselect or Reselect()
        self._offsets = Offsets()
        self._held = HeldChanges()
        self._captures: Mapping[str, Capture] = {}

    def serve(self, captures: Mapping[str, Capture]) -> None:
        """From now on these, by name."""
        for name in self._captures.keys() - captures.keys():
            self._reselect.close(name)
        self._captures = captures
        self._held.hurry()
        topics = sorted({capture.topic(table) for capture in captures.values() for table in capture.captured})
        if topics:
            self._consumer.subscribe(topics, on_revoke=self._revoked, on_lost=self._revoked)
        else:
            self._consumer.unsubscribe()

    def step(self, seconds: float) -> bool:
        """Handle one record if one comes within ``seconds``. Raises what makes going on useless."""
        self._offsets.check()
        if done := self._offsets.committable():
            self._consumer.store_offsets(offsets=done)
        if self._offsets.waiting >= self._max_in_flight:
            # Reports come on another thread; group membership is kept up by librdkafka's own.
            self._offsets.wait(seconds)
            return True
        for name in self._held.retry(self._handle):
            self._consumer.resume(self._assigned(name))
        message = self._consumer.poll(min(seconds, _HELD_POLL_S) if self._held else seconds)
        if message is None:
            return False
        if (error := message.error()) is not None:
            self._trouble(error)
            return False
        self._take(message)
        return True

    def close(self) -> None:
        """Commit what is done and leave the group."""
        if done := self._offsets.committable():
            self._consumer.store_offsets(offsets=done)
        self._consumer.close()
        self._held.close()
        self._reselect.close()

    def _take(self, message: Message) -> None:
        name = _capture_name(message.topic())
        if name in self._held:
            # Of a partition that was assigned since.
            self._held.add(name, message)
        else:
            try:
                self._handle(message)
                return
            except RowsAway as away:
                self._held.hold(name, message, away)
        # Its records stay with the broker, and in their order.
        self._consumer.pause(self._assigned(name))

    def _assigned(self, capture: str) -> list[TopicPartition]:
        return [one for one in self._consumer.assignment() if _capture_name(one.topic) == capture]

    def _handle(self, message: Message) -> None:
        """Raises RowsAway, and then nothing has happened."""
        place = (message.topic(), message.partition(), message.offset())
        capture = self._captures.get(_capture_name(place[0]))
        key, value = message.key(), message.value()
        futures: list[Future[Any]] = []
        if capture is not None:
            try:
                change = self._reader.read(key, value)
                if change is not None:
                    futures = self._act(capture, change, place)
            except (RejectedRecord, RecursionError) as error:
                why = error if isinstance(error, RejectedRecord) else RejectedRecord("invalid-value", str(error))
                _log.warning("refused %s/%d/%d: %s", *place, why)
                futures = self._voice.refuse(capture.name, place, key, value, why)
        self._offsets.add(*place, *futures)

    def _act(self, capture: Capture, change: Change, place: Place) -> list[Future[Any]]:
        if capture.outbox is not None and change.table == capture.outbox.table:
            return self._outbox(capture, change)
        table = capture.table(change.table)
        if table is None:
            return []
        whole = change.after is None or not unchanged_columns(table, change.after)
        if not whole:
            assert change.after is not None
            row = self._reselect.complete(capture, table, key_values(table, change.key), change.after, change.schema)
            if row is None:
                self._voice.superseded(capture)
                return []
            change = change.with_after(row)
        meaning = meaning_of(capture, table, change)
        if isinstance(meaning, Upsert):
            return self._voice.upsert(capture, meaning, change.committed_ns, whole=whole)
        if isinstance(meaning, Delete):
            return self._voice.delete(capture, meaning, change.committed_ns)
        if isinstance(meaning, Truncate):
            self._voice.truncated(meaning)
            before = self._offsets.unreported(*place[:2])
            return [self._sweeper.sweep(capture, meaning, change.committed_ns, before)]
        assert isinstance(meaning, Nothing)
        self._voice.unchanged(capture)
        return []

    def _outbox(self, capture: Capture, change: Change) -> list[Future[Any]]:
        meaning = outbox_event(capture, change)
        if isinstance(meaning, Upsert):
            return self._voice.upsert(capture, meaning, change.committed_ns)
        if isinstance(meaning, Delete):
            return self._voice.delete(capture, meaning, change.committed_ns)
        return []

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._offsets.forget(partitions)
        # What another publishes from now on is not known here.
        self._voice.forget()
        free = self._held.forget({(one.topic, one.partition) for one in partitions})
        with suppress(KafkaException):
            # Else one that comes back would still be paused.
            self._consumer.resume([*partitions, *(one for name in free for one in self._assigned(name))])

    def _trouble(self, error: KafkaError) -> None:
        if error.code() in _ABSENT:
            # Debezium makes a table's topic with its first change.
            return
        if error.fatal():
            raise UnavailableError("cannot read the changes from Kafka", error.str())
        _log.warning("reading changes: %s", error.str())


def _capture_name(topic: str) -> str:
    return topic.split(".", 2)[1]


def _properties(kafka: KafkaSettings) -> dict[str, Any]:
    return {
        "bootstrap.servers": kafka.bootstrap,
        "group.id": GROUP,
        "auto.offset.reset": "earliest",
        "enable.auto.offset.store": False,
        "enable.auto.commit": True,
        "auto.commit.interval.ms": 1000,
        "partition.assignment.strategy": "cooperative-sticky",
        # The place of one that was killed is free after this, and not after 45 s.
        "session.timeout.ms": 10_000,
        # A new table's topic is found within this.
        "topic.metadata.refresh.interval.ms": 1000,
        "allow.auto.create.topics": False,
        "fetch.wait.max.ms": 100,
        "fetch.error.backoff.ms": 50,
        "fetch.queue.backoff.ms": 5,
        "fetch.message.max.bytes": 4 << 20,
        "queued.max.messages.kbytes": 65_536,
        "reconnect.backoff.max.ms": 1000,
        **librdkafka_security(kafka),
    }
