"""Writes dead letters to their topic and waits for the broker's word."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from freshet.dead_letters import DeadLetter
from freshet.errors import UnavailableError
from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from freshet.topics import DEAD_LETTERS, MAX_DEAD_LETTER_BYTES

DELIVERY_SECONDS = 30


class KafkaDeadLetters:
    """The producer is made with the first letter: most runs never need it."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._lock = threading.Lock()
        self._producer: Producer | None = None

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Blocks until each is acknowledged by all replicas. Raises UnavailableError if any is not."""
        failures: list[str] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failures.append(error.str())

        producer = self._connected()
        try:
            for letter in letters:
                producer.produce(
                    DEAD_LETTERS.name, letter.value, letter.key, headers=letter.to_headers(), on_delivery=delivered
                )
                producer.poll(0)
        except (KafkaException, BufferError) as error:
            raise UnavailableError("cannot write dead letters", str(error)) from error
        if producer.flush(DELIVERY_SECONDS) or failures:
            raise UnavailableError(
                "cannot write dead letters", failures[0] if failures else "no answer from the broker"
            )

    def _connected(self) -> Producer:
        with self._lock:
            if self._producer is None:
                self._producer = Producer(
                    {
                        "bootstrap.servers": self._kafka.bootstrap,
                        "acks": "all",
                        "linger.ms": 0,
                        "partitioner": "murmur2_random",
                        "message.max.bytes": MAX_DEAD_LETTER_BYTES,
                        "message.timeout.ms": DELIVERY_SECONDS * 1000,
                        **librdkafka_security(self._kafka),
                    }
                )
            return self._producer
