"""Raw records to Kafka: bounded memory, a deadline on each, and a callback with its delivery report."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from freshet import librdkafka_log
from freshet.dead_letters import HeaderList
from freshet.errors import FreshetError, UnavailableError, UsageError
from freshet.metrics import PUBLISHED
from freshet.publishing.failures import failure
from freshet.publishing.profiles import producer_properties
from freshet.settings import KafkaSettings, Profile

_log: Final = logging.getLogger(__name__)
_published: Final = PUBLISHED.counter()

_POLL_S: Final = 0.1
_FULL_QUEUE_POLL_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where the broker put a record."""

    topic: str
    partition: int
    offset: int


DoneCallback = Callable[[Delivered | FreshetError], None]


class RecordProducer:
    """One librdkafka producer and the thread that serves its delivery reports.

    Every record's callback runs exactly once, at the latest ``timeout_s`` after ``send``; with a FreshetError where
    the broker did not acknowledge. Callbacks run on the poll thread or within a ``send`` that waits for room.
    """

    def __init__(self, settings: KafkaSettings, profile: Profile = "low-latency", *, timeout_s: float = 30.0) -> None:
        self._bootstrap = settings.bootstrap
        self._timeout_s = timeout_s
        self._last_error = ""
        self._closed = threading.Event()
        properties = producer_properties(settings, profile, timeout_s)
        properties["error_cb"] = self._connection_error
        try:
            self._producer = Producer(properties, logger=librdkafka_log.log)
        except KafkaException as error:
            raise UsageError(
                "librdkafka refuses its settings", error.args[0].str(), "check FRESHET_KAFKA_EXTRA"
            ) from error
        self._poller = threading.Thread(target=self._poll, name="freshet-publish", daemon=True)
        self._poller.start()

    def send(self, topic: str, key: bytes, value: bytes | None, headers: HeaderList, done: DoneCallback) -> None:
        """Hand one record to librdkafka. Blocks while its buffer (64 MB) is full, at most ``timeout_s``.

        Raises RejectedRecord for a record above 1 MB, UnavailableError when no room came up, UsageError after close.
        """

        def report(error: KafkaError | None, message: Message) -> None:
            _published.labels("failed" if error else "acknowledged").inc()
            done(self._failure(error, topic) if error else _place(message, topic))

        sent: list[tuple[str, str | bytes | None]] = [*headers]
        deadline = time.monotonic() + self._timeout_s
        while not self._closed.is_set():
            try:
                self._producer.produce(topic, value, key, headers=sent, on_delivery=report)
                return
            except BufferError as error:
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"Kafka at {self._bootstrap} takes no more records",
                        f"the local buffer stayed full for {self._timeout_s:g} s; {self._last_error}",
                        "start the broker or set FRESHET_KAFKA_BOOTSTRAP",
                    ) from error
                self._producer.poll(_FULL_QUEUE_POLL_S)
            except KafkaException as error:
                raise self._failure(error.args[0], topic) from error
        raise UsageError("this publisher is closed", "", "open a new one")

    def in_flight(self) -> int:
        """Records and reports not yet served."""
        return len(self._producer)

    def reach(self, timeout_s: float = 5.0) -> None:
        """Return once a broker answered; raise UnavailableError after ``timeout_s``."""
        try:
            self._producer.list_topics(timeout=timeout_s)
        except KafkaException as error:
            raise UnavailableError(
                f"Kafka at {self._bootstrap} does not answer",
                f"{error.args[0].str()}; {self._last_error}" if self._last_error else error.args[0].str(),
                "start the broker or set FRESHET_KAFKA_BOOTSTRAP",
            ) from error

    def flush(self, timeout_s: float | None = None) -> int:
        """Block until every record has its report or the time is over; returns how many have none."""
        left: int = self._producer.flush(self._timeout_s if timeout_s is None else timeout_s)
        return left

    def close(self, timeout_s: float | None = None) -> None:
        """Flush, fail what is left, stop the thread. Further sends raise UsageError."""
        if self._closed.is_set():
            return
        if self.flush(timeout_s):
            self._producer.purge()
            self._producer.flush(1.0)
        self._closed.set()
        if threading.current_thread() is not self._poller:
            self._poller.join(1.0)

    def _poll(self) -> None:
        while not self._closed.is_set():
            try:
                self._producer.poll(_POLL_S)
            except Exception:
                _log.exception("a delivery callback failed")

    def _connection_error(self, error: KafkaError) -> None:
        self._last_error = error.str()

    def _failure(self, error: KafkaError, topic: str) -> FreshetError:
        return failure(error, topic=topic, bootstrap=self._bootstrap, last_seen=self._last_error)


def _place(message: Message, topic: str) -> Delivered:
    partition, offset = message.partition(), message.offset()
    return Delivered(topic, -1 if partition is None else partition, -1 if offset is None else offset)
