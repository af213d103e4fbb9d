"""Sends dead letters back to where they came from, and marks that it did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from types import TracebackType

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from freshet.dead_letter_log import Place, StoredLetter, chosen, letters
from freshet.dead_letters import FILES_STAGE, HeaderList, marker_headers
from freshet.errors import UnavailableError
from freshet.kafka_security import librdkafka_security
from freshet.redriving import Redriven
from freshet.settings import KafkaSettings
from freshet.topics import DEAD_LETTERS, MAX_DEAD_LETTER_BYTES

MAX_REDRIVES = 5
BATCH = 100
"""Letters in flight at once: bounds memory, and how many go twice when this process is killed in between."""
DELIVERY_SECONDS = 30


def refusal(stored: StoredLetter, *, force: bool = False) -> str | None:
    """Why this letter should stay where it is, or None. ``force`` overrules what is only unwise."""
    letter = stored.letter
    if letter.stage == FILES_STAGE:
        return "it names a file, there is no record to send back: mend the file and save it again"
    if not letter.can_be_redriven:
        return "it does not say which topic it came from"
    if stored.redriven and not force:
        return "it was sent back already (--force sends it again)"
    if letter.redrives >= MAX_REDRIVES and not force:
        return f"it failed again after {letter.redrives} redrives: mend the cause first (--force overrules)"
    return None


def send_back(kafka: KafkaSettings, places: Collection[Place]) -> Redriven:
    """Implements ``freshet.redriving.Redrive``: what is only unwise is refused as well."""
    found = {stored.place: stored for stored in letters(kafka) if stored.place in places}
    refused = dict.fromkeys(set(places) - found.keys(), "there is no letter, or no longer")
    refused |= {place: why for place, stored in found.items() if (why := refusal(stored)) is not None}
    ready = found.keys() - refused.keys()
    if not ready:
        return Redriven(0, refused)
    with Redriver(kafka) as redriver:
        return Redriven(redriver.redrive(chosen(kafka, ready)), refused)


class Redriver:
    """Sends with the guarantees of the durable profile. Not for several threads."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "enable.idempotence": True,
                "linger.ms": 0,
                "partitioner": "murmur2_random",
                "message.max.bytes": MAX_DEAD_LETTER_BYTES,
                "message.timeout.ms": DELIVERY_SECONDS * 1000,
                "log_level": 0,
                **librdkafka_security(kafka),
            }
        )
        self._failures: list[str] = []

    def redrive(self, letters: Iterable[StoredLetter]) -> int:
        """Blocks until all are acknowledged; returns how many. Raises UnavailableError where the broker refuses one.

        The record is acknowledged before its marker is written. A crash between the two leaves a letter that can be
        sent back once more, which changes nothing: versions make every replay harmless.
        """
        sent = 0
        batch: list[StoredLetter] = []
        for stored in letters:
            batch.append(stored)
            if len(batch) == BATCH:
                sent += self._send(batch)
                batch = []
        return sent + self._send(batch)

    def __enter__(self) -> Redriver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._producer.purge()
        self._producer.flush(1)

    def _send(self, batch: Sequence[StoredLetter]) -> int:
        for stored in batch:
            letter = stored.letter
            # Without a key nothing else says where the record belongs.
            partition = letter.partition if letter.key is None and letter.partition >= 0 else -1
            self._produce(letter.topic, letter.key, letter.value, letter.redrive_headers(), partition)
        self._acknowledged()
        for stored in batch:
            headers = marker_headers(stored.partition, stored.offset)
            self._produce(DEAD_LETTERS.name, stored.letter.key, None, headers, stored.partition)
        self._acknowledged()
        return len(batch)

    def _produce(self, topic: str, key: bytes | None, value: bytes | None, headers: HeaderList, partition: int) -> None:
        try:
            self._producer.produce(topic, value, key, partition, headers=list(headers), on_delivery=self._delivered)
        except (KafkaException, BufferError) as error:
            raise UnavailableError(f"Cannot send to {topic}", str(error), "see `freshet status`") from error

    def _acknowledged(self) -> None:
        left = self._producer.flush(DELIVERY_SECONDS + 1)
        if left or self._failures:
            detail = self._failures[0] if self._failures else f"{left} records have no answer"
            raise UnavailableError("Not every letter was sent back", detail, "see `freshet status`, then run it again")

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failures.append(f"{message.topic()}: {error.str()}")
