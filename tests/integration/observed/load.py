"""Changes of several tenants, bad records and questions of every kind, so that there is something to see."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress

import httpx
from confluent_kafka import Producer

from freshet.embedding.settings import PACKAGED_MODEL
from freshet.errors import FreshetError
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from freshet.stack.local import LocalStack
from freshet.topics import DOCUMENTS
from producers.cdc.capture import Capture
from producers.cdc.database import Database
from tests.integration.observed.damaged_model import RARE

DOCUMENT, TENANT = "load", "customer"
"""What the ids of documents and of tenants begin with."""
DOCUMENTS_SENT = 300
SENTENCE = "The harbour master notes each ship that enters, its cargo, its draught and the hour of the tide. "


class Load:
    """Between ``start`` and ``stop`` it publishes ``rate`` times a second, asks ten times, and edits a row twice."""

    def __init__(self, stack: LocalStack, inference_url: str, rate: float) -> None:
        self._stack = stack
        self._inference_url = inference_url
        self._rate = rate
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._publish, self._ask, self._edit)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Blocks until what was begun is done."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _publish(self) -> None:
        bootstrap = self._stack.bootstrap
        raw = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
        with Publisher(KafkaSettings(bootstrap=bootstrap)) as publisher:
            for number in itertools.count():
                if self._stop.wait(1 / self._rate):
                    return
                name = f"{DOCUMENT}/{number % DOCUMENTS_SENT}"
                with suppress(FreshetError):
                    if number % 23 == 22:
                        publisher.delete(name, number)
                    elif number % 17 == 16:
                        publisher.publish(name, "An older version.", version=1)
                    elif number % 11 == 10:
                        raw.produce(DOCUMENTS.name, b"no JSON", name.encode())
                        raw.poll(0)
                    else:
                        text = "The same again." if number % 5 == 4 else f"Note {number}. {SENTENCE * 3}"
                        publisher.publish(name, text, version=number, tenant=f"{TENANT}-{number % 7}")

    def _ask(self) -> None:
        with httpx.Client(timeout=5) as client:
            for number in itertools.count():
                if self._stop.wait(0.1):
                    return
                with suppress(httpx.HTTPError):
                    question = "ships" if number % 5 else ""
                    client.get(f"{self._stack.search_url}/search", params={"q": f"{question} {number % 50}".strip()})
                    lane = {"freshet-lane": "query" if number % 2 else "ingest"}
                    word = "text" if number % 10 else RARE
                    body = {"model": PACKAGED_MODEL, "input": f"{word} {number % 100}"}
                    client.post(f"{self._inference_url}/v1/embeddings", json=body, headers=lane)

    def _edit(self) -> None:
        assert self._stack.capture is not None
        assert self._stack.capture.postgres is not None
        with Database(Capture(name="load", url=self._stack.capture.postgres.url)) as database:
            while not self._stop.wait(0.5):
                database.run("UPDATE articles SET body = 'Edited at ' || clock_timestamp() WHERE id = 1")
