"""A broker's side of LiveChanges, and what becomes of its changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import TopicPartition

from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.mapping import Truncate
from tests.unit.producers.cdc import envelopes

TABLE = CapturedTable(table="public.articles", key=("id",), text="{{title}}\n\n{{body}}")


def capture(name: str) -> Capture:
    return Capture(name=name, url=f"postgresql://app@{name}/db", tables=(TABLE,))


class Record:
    """As confluent-kafka's Message."""

    def __init__(self, topic: str, offset: int, key: bytes | None, value: bytes | None) -> None:
        self._topic, self._offset, self._key, self._value = topic, offset, key, value

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def error(self) -> None:
        return None


class Broker:
    """One partition per topic. Gives no record of a paused one."""

    def __init__(self) -> None:
        self.records: dict[str, deque[Record]] = {}
        self.paused: set[str] = set()
        self.stored: dict[str, int] = {}
        self._revoked: Callable[[Any, list[TopicPartition]], None] = lambda consumer, partitions: None

    def put(self, name: str, op: str, lsn: int, number: int = 1, **values: Any) -> None:
        """``values`` replace those of a row."""
        topic = f"cdc.{name}.public.articles"
        key: bytes | None = envelopes.key({"id": (number, "int64")})
        columns = {"id": number, "title": "Tea", "body": "It is hot.", **values}
        row = {column: (one, "int64" if column == "id" else "string") for column, one in columns.items()}
        source = {"lsn": lsn}
        if op == "t":
            key, value = None, envelopes.value("t", source=source)
        else:
            value = envelopes.value(op, **{"before" if op == "d" else "after": row}, source=source)
        self.records.setdefault(topic, deque()).append(Record(topic, lsn, key, value))

    def put_raw(self, name: str, lsn: int, value: bytes) -> None:
        topic = f"cdc.{name}.public.articles"
        self.records.setdefault(topic, deque()).append(Record(topic, lsn, b"{}", value))

    def revoke(self, name: str) -> None:
        self._revoked(self, [one for one in self.assignment() if f".{name}." in one.topic])

    def subscribe(self, topics: Sequence[str], on_revoke: Any, on_lost: Any) -> None:
        self._revoked = on_revoke
        for topic in topics:
            self.records.setdefault(topic, deque())

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(topic, 0) for topic in self.records]

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused |= {one.topic for one in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused -= {one.topic for one in partitions}

    def poll(self, seconds: float) -> Record | None:
        for topic, waiting in self.records.items():
            if waiting and topic not in self.paused:
                return waiting.popleft()
        return None

    def store_offsets(self, offsets: list[TopicPartition]) -> None:
        self.stored |= {one.topic: one.offset for one in offsets}

    def close(self) -> None:
        return


class Sweeps:
    """Notes each TRUNCATE, which is done when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Truncate, list[Future[Any]]]] = []
        self.done: list[Future[None]] = []

    def sweep(
        self, capture: Capture, truncate: Truncate, committed_ns: int, before: Sequence[Future[Any]]
    ) -> Future[None]:
        self.asked.append((truncate, list(before)))
        self.done.append(Future())
        return self.done[-1]
