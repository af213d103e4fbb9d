"""The system as a program sees it: publish here, search there."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import httpx
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from freshet.dead_letters import DeadLetter
from freshet.errors import UnavailableError
from freshet.events import Metadata
from freshet.publishing import Publisher, Receipt
from freshet.settings import KafkaSettings
from freshet.stack.local import LocalStack
from freshet.stack.process import ProcessFailed, StackProcess, wait_until
from freshet.topics import DEAD_LETTERS, DOCUMENTS

DEADLINE_SECONDS = 60.0


class Pipeline:
    """Every wait has a name and a deadline, and ends at once when a process of the stack dies."""

    def __init__(self, stack: LocalStack, prefix: str) -> None:
        self.stack = stack
        self.prefix = prefix
        self._publisher = Publisher(KafkaSettings(bootstrap=stack.broker.bootstrap))
        self._http = httpx.Client(base_url=stack.search_url, timeout=10)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._publisher.close()
        self._http.close()

    def id(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def publish(self, name: str, text: str, version: int, metadata: Metadata | None = None) -> Receipt:
        """Returns behind the delivery report."""
        return self._publisher.publish(
            self.id(name), text, version=version, metadata=metadata or {}, source=self.prefix
        ).result(DEADLINE_SECONDS)

    def delete(self, name: str, version: int) -> Receipt:
        return self._publisher.delete(self.id(name), version=version).result(DEADLINE_SECONDS)

    def raw(self, value: bytes | None, key: bytes | None = None) -> tuple[int, int]:
        """Any bytes to ``documents``, as a program without our library could; returns partition and offset."""
        places: list[tuple[int, int]] = []

        def delivered(error: object, message: Message) -> None:
            assert error is None, error
            places.append((message.partition(), message.offset()))

        producer = Producer({"bootstrap.servers": self.stack.broker.bootstrap, "partitioner": "murmur2_random"})
        producer.produce(DOCUMENTS.name, value, key, on_delivery=delivered)
        assert producer.flush(DEADLINE_SECONDS) == 0
        return places[0]

    def search(self, text: str, **parameters: Any) -> list[dict[str, Any]]:
        """Hits among this test's own documents."""
        answer = self._http.get("/search", params={"q": text, "source": self.prefix, **parameters})
        answer.raise_for_status()
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def versions(self, text: str) -> dict[str, set[int]]:
        """Which versions of which documents a search finds."""
        found: dict[str, set[int]] = {}
        for hit in self.search(text, k=100):
            found.setdefault(hit["id"].removeprefix(f"{self.prefix}/"), set()).add(hit["version"])
        return found

    def document(self, name: str) -> httpx.Response:
        return self._http.get(f"/documents/{self.id(name)}")

    def wait_version(self, name: str, version: int, watch: Sequence[StackProcess] | None = None) -> dict[str, Any]:
        """Block until the document is live in this version, or deleted in it; returns what the API says of it."""
        answer: dict[str, Any] = {}
        seen: list[str] = []

        def arrived() -> bool:
            try:
                response = self.document(name)
            except httpx.HTTPError as error:
                seen[:] = [repr(error)]
                return False
            seen[:] = [response.text[:300]]
            if response.status_code not in (200, 410):
                return False
            answer.update(response.json())
            return bool(answer["version"] >= version)

        watched = self.stack.processes if watch is None else watch
        alive = [process for process in watched if process.alive]
        try:
            wait_until(arrived, f"{name} is there in version {version}", DEADLINE_SECONDS, alive)
        except ProcessFailed as error:
            raise AssertionError(f"{error.what}: {seen}, status {self.status()}\n{error.detail}") from error
        return answer

    def status(self) -> str:
        """What the system says of itself, for the message of a failed wait."""
        try:
            return self._http.get("/status").text + f" backlog {self.stack.backlog()}"
        except (httpx.HTTPError, UnavailableError) as error:
            return repr(error)

    def dead_letter(self, partition: int, offset: int) -> DeadLetter:
        """Block until the record at this place of ``documents`` is a dead letter."""
        consumer = Consumer({"bootstrap.servers": self.stack.broker.bootstrap, "group.id": "test"})
        consumer.assign([TopicPartition(DEAD_LETTERS.name, 0, 0)])
        found: list[DeadLetter] = []

        def arrived() -> bool:
            message = consumer.poll(0.2)
            if message is None or message.error():
                return False
            letter = DeadLetter.from_record(message.key(), message.value(), message.headers())
            if (letter.topic, letter.partition, letter.offset) == (DOCUMENTS.name, partition, offset):
                found.append(letter)
            return bool(found)

        try:
            wait_until(
                arrived, f"record {partition}/{offset} is a dead letter", DEADLINE_SECONDS, self.stack.processes[:4]
            )
        finally:
            consumer.close()
        return found[0]
