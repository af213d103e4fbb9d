"""Changes as they come: from Debezium's topics to ``documents``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from freshet.errors import RejectedRecord, UnavailableError
from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from producers.cdc.capture import Capture
from producers.cdc.document import unchanged_columns
from producers.cdc.envelope import Change, EnvelopeReader
from producers.cdc.mapping import Delete, Nothing, Truncate, Upsert, key_values, meaning_of
from producers.cdc.offsets import Offsets
from producers.cdc.outbox import outbox_event
from producers.cdc.reselect import Reselect
from producers.cdc.voice import Voice

GROUP: Final = "freshet-cdc"
_ABSENT: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION)

_log: Final = logging.getLogger(__name__)


class Sweeper(Protocol):
    """Deletes what a TRUNCATE emptied."""

    def sweep(self, capture: Capture, truncate: Truncate, committed_ns: int) -> Future[None]: ...


class LiveChanges:
    """One thread calls ``step`` for ever. Offsets are committed behind delivery reports."""

    def __init__(self, kafka: KafkaSettings, voice: Voice, sweeper: Sweeper, max_in_flight: int) -> None:
        self._consumer = Consumer(_properties(kafka))
        self._voice = voice
        self._sweeper = sweeper
        self._max_in_flight = max_in_flight
        self._reader = EnvelopeReader()
        self._reselect = Reselect()
        self._offsets = Offsets()
        self._captures: Mapping[str, Capture] = {}

    def serve(self, captures: Mapping[str, Capture]) -> None:
        """From now on these, by name."""
        self._reselect.close()
        self._captures = captures
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
        message = self._consumer.poll(seconds)
        if message is None:
            return False
        if (error := message.error()) is not None:
            self._trouble(error)
            return False
        self._handle(message)
        return True

    def close(self) -> None:
        """Commit what is done and leave the group."""
        if done := self._offsets.committable():
            self._consumer.store_offsets(offsets=done)
        self._consumer.close()
        self._reselect.close()

    def _handle(self, message: Message) -> None:
        place = (message.topic(), message.partition(), message.offset())
        capture = self._captures.get(_capture_name(place[0]))
        key, value = message.key(), message.value()
        futures: list[Future[Any]] = []
        if capture is not None:
            try:
                change = self._reader.read(key, value)
                if change is not None:
                    futures = self._act(capture, change)
            except RejectedRecord as rejection:
                _log.warning("refused %s/%d/%d: %s", *place, rejection)
                futures = self._voice.refuse(capture.name, place, key, value, rejection)
        self._offsets.add(*place, *futures)

    def _act(self, capture: Capture, change: Change) -> list[Future[Any]]:
        if capture.outbox is not None and change.table == capture.outbox.table:
            return self._outbox(capture, change)
        table = capture.table(change.table)
        if table is None:
            return []
        if change.after is not None and unchanged_columns(table, change.after):
            whole = self._reselect.complete(capture, table, key_values(table, change.key), change.after)
            if whole is None:
                self._voice.superseded(capture)
                return []
            change = change.with_after(whole)
        meaning = meaning_of(capture, table, change)
        if isinstance(meaning, Upsert):
            return self._voice.upsert(capture, meaning, change.committed_ns)
        if isinstance(meaning, Delete):
            return self._voice.delete(capture, meaning, change.committed_ns)
        if isinstance(meaning, Truncate):
            return [self._sweeper.sweep(capture, meaning, change.committed_ns)]
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
