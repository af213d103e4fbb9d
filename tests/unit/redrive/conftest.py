from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import consumers.dead_letters
from freshet.dead_letter_log import StoredLetter
from freshet.dead_letters import DeadLetter

Sent = tuple[str, bytes | None, bytes | None, int, list[tuple[str, bytes | None]]]


class FakeProducer:
    """Stands for librdkafka: acknowledges at ``flush``, or refuses a topic."""

    sent: list[Sent]
    refused_topic = ""

    def __init__(self, properties: dict[str, Any]) -> None:
        FakeProducer.sent = []
        self._waiting: list[tuple[str, Callable[..., None]]] = []

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        headers: Sequence[tuple[str, bytes | None]],
        on_delivery: Callable[..., None],
    ) -> None:
        FakeProducer.sent.append((topic, key, value, partition, list(headers)))
        self._waiting.append((topic, on_delivery))

    def flush(self, seconds: float) -> int:
        for topic, report in self._waiting:
            report(FakeFailure() if topic == self.refused_topic else None, FakeMessage(topic))
        self._waiting.clear()
        return 0

    def purge(self) -> None: ...


class FakeFailure:
    def str(self) -> str:
        return "refused for a test"


class FakeMessage:
    def __init__(self, topic: str) -> None:
        self._topic = topic

    def topic(self) -> str:
        return self._topic


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> type[FakeProducer]:
    monkeypatch.setattr(consumers.dead_letters, "Producer", FakeProducer)
    monkeypatch.setattr(FakeProducer, "refused_topic", "")
    FakeProducer.sent = []
    return FakeProducer


def stored(offset: int, *, redriven: bool = False, redrives: int = 0, **changes: Any) -> StoredLetter:
    fields: dict[str, Any] = {
        "key": b"k%d" % offset,
        "value": b"v%d" % offset,
        "stage": "job",
        "reason": "not-json",
        "topic": "documents",
        "partition": 1,
        "offset": 100 + offset,
        "headers": (("freshet-redrives", b"%d" % redrives),) if redrives else (),
        **changes,
    }
    return StoredLetter(0, offset, 1_700_000_000_000 + offset, DeadLetter(**fields), redriven)
