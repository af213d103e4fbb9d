"""Where no writer is in this process: what the topic announces, once the store has it."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from freshet.codec import decode_embedding
from freshet.errors import FreshetError, RejectedRecord
from freshet.headers import UPSERTED
from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings
from freshet.store import Head, VectorStore
from freshet.topics import EMBEDDINGS

AWAITED: Final = 500
"""Documents whose version is looked for at once; of more, the oldest are not shown."""
WAIT_SECONDS: Final = 10.0
"""After this long a version is not awaited any more: it was stale, or is not complete."""
POLL_SECONDS: Final = 0.05
PAUSE_SECONDS: Final = 1.0

Found = Callable[[Sequence[Head], int], None]
"""Heads that are searchable, and when they were seen to be (ns since the epoch)."""

log = logging.getLogger(__name__)


class TopicReader:
    """A thread between ``start`` and ``stop``, which may be called again and again. It joins no consumer group."""

    def __init__(self, kafka: KafkaSettings, store: VectorStore, found: Found) -> None:
        self._kafka = kafka
        self._store = store
        self._found = found
        self._stop: threading.Event | None = None
        self._awaited: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def start(self) -> None:
        """Read what is written from now on."""
        self.stop()
        self._stop = threading.Event()
        threading.Thread(target=self._run, args=(self._stop,), name="search-changes", daemon=True).start()

    def stop(self) -> None:
        """Returns at once; the thread ends within a second or two."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._read(stop)
            except (FreshetError, KafkaException) as error:
                log.warning("the live page shows no changes at present: %s", error)
                stop.wait(PAUSE_SECONDS)

    def _read(self, stop: threading.Event) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._kafka.bootstrap,
                # Never joins the group: partitions are assigned by hand and nothing is committed.
                "group.id": "freshet-live-page",
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
                "fetch.wait.max.ms": 100,
                "queued.max.messages.kbytes": 4_096,
                "log_level": 0,
                **librdkafka_security(self._kafka),
            }
        )
        try:
            # -1 is the end of the partition.
            consumer.assign([TopicPartition(EMBEDDINGS.name, number, -1) for number in range(EMBEDDINGS.partitions)])
            while not stop.is_set():
                for message in consumer.consume(AWAITED, POLL_SECONDS):
                    self._await(message)
                self._look()
        finally:
            consumer.close()

    def _await(self, message: Message) -> None:
        if message.error() is not None:
            return
        try:
            record = decode_embedding(message.value())
        except RejectedRecord:
            return
        if record.version > self._awaited.get(record.id, (-1, 0.0))[0]:
            self._awaited[record.id] = record.version, time.monotonic()
            self._awaited.move_to_end(record.id)
        if len(self._awaited) > AWAITED:
            self._awaited.popitem(last=False)

    def _look(self) -> None:
        if not self._awaited:
            return
        heads = self._store.heads(list(self._awaited))
        now = time.time_ns()
        searchable: list[Head] = []
        for document_id, (version, since) in list(self._awaited.items()):
            head = heads.get(document_id)
            if head is not None and head.version >= version:
                del self._awaited[document_id]
                # One that a newer version replaced meanwhile is announced by that.
                if head.version == version and head.stamps.get(UPSERTED, 0) > 0:
                    searchable.append(head)
            elif time.monotonic() - since > WAIT_SECONDS:
                del self._awaited[document_id]
        if searchable:
            self._found(searchable, now)
