"""Every document that a TRUNCATE emptied is deleted, also what was on its way, however much comes behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException

from freshet.errors import FreshetError, UnavailableError
from freshet.settings import KafkaSettings
from freshet.topics import CONSUMER_GROUP, DOCUMENTS, JOB_GROUP, Topic
from producers.cdc.index import Indexed
from producers.cdc.mapping import Truncate
from producers.cdc.passage import Passage
from producers.cdc.truncated import TruncatedTables
from producers.cdc.truncation import Truncations
from tests.unit.producers.cdc.changes import capture
from tests.unit.producers.files.capture import CaptureSink

PREFIX = "shop/public.articles/"


class Flowing:
    """Topics whose ends move on with each look; each reader stays a few records behind the end."""

    def __init__(self) -> None:
        self.end = 100
        self.looks: list[tuple[str, str]] = []
        self.trouble: Exception | None = None

    def reader(self, group: str) -> Group:
        return Group(self, group)


class Group:
    def __init__(self, flow: Flowing, name: str) -> None:
        self._flow = flow
        self._name = name

    def ends(self, topic: Topic, seconds: float) -> Mapping[int, int]:
        self._flow.looks.append((self._name, "ends"))
        self._flow.end += 10
        return dict.fromkeys(range(topic.partitions), self._flow.end)

    def committed(self, topic: Topic, seconds: float) -> Mapping[int, int]:
        self._flow.looks.append((self._name, "committed"))
        if self._flow.trouble is not None:
            trouble, self._flow.trouble = self._flow.trouble, None
            raise trouble
        self._flow.end += 10
        return dict.fromkeys(range(topic.partitions), self._flow.end - 15)

    def close(self) -> None:
        return


class Instant(threading.Event):
    """Waits take no time."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


def test_readers_that_are_never_at_the_end_pass_the_one_that_was_seen() -> None:
    flow = Flowing()
    assert Passage(KafkaSettings(), Instant(), flow.reader).wait()
    assert flow.looks[0] == (JOB_GROUP, "ends")
    assert [look for look in flow.looks if look[1] == "ends"] == [(JOB_GROUP, "ends"), (CONSUMER_GROUP, "ends")]


def test_a_broker_that_refuses_is_asked_again_and_told_of(caplog: pytest.LogCaptureFixture) -> None:
    flow = Flowing()
    flow.trouble = KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
    assert Passage(KafkaSettings(), Instant(), flow.reader).wait()
    assert JOB_GROUP in caplog.text
    assert DOCUMENTS.name in caplog.text


def test_a_stop_ends_the_wait() -> None:
    stop = Instant()
    stop.set()
    assert not Passage(KafkaSettings(), stop, Flowing().reader).wait()


class Documents:
    """The index, and when what was sent is in it."""

    def __init__(self, *documents: Indexed) -> None:
        self.documents = list(documents)
        self.listings = 0
        self.waits = 0
        self.away = 0

    def below(self, prefix: str) -> Iterator[Indexed]:
        self.listings += 1
        if self.away:
            self.away -= 1
            raise UnavailableError("search does not answer")
        yield from [one for one in self.documents if one.id.startswith(prefix)]

    def wait(self) -> bool:
        self.waits += 1
        return True


def document(number: int, version: int | None, deleted: bool = False) -> Indexed:
    return Indexed(f"{PREFIX}{number}", version, deleted, {}, "")


def test_the_index_is_listed_once_and_what_is_older_is_deleted() -> None:
    index, sink = Documents(document(1, 5), document(2, 400), document(3, 7, True), document(4, None)), CaptureSink()
    index.away = 1
    sweeps = Truncations(sink, index, index, TruncatedTables(), Instant())
    sweeps.sweep(capture("shop"), Truncate(PREFIX, 400), 0, []).result(10)
    assert [(one.kind, one.id, one.version) for one in sink.said] == [("delete", f"{PREFIX}1", 400)]
    assert (index.waits, index.listings) == (1, 2)
    sweeps.close()


def test_a_sweep_waits_for_what_was_sent_before_it() -> None:
    index, sink, tables = Documents(), CaptureSink(), TruncatedTables()
    stop = threading.Event()
    sweeps = Truncations(sink, index, index, tables, stop)
    change, row = Future[None](), Future[None]()
    assert tables.send(PREFIX, 300, lambda: row) is row
    swept = sweeps.sweep(capture("shop"), Truncate(PREFIX, 400), 0, [change])
    change.set_result(None)
    assert index.waits == 0
    row.set_result(None)
    swept.result(10)
    assert index.waits == 1
    never = sweeps.sweep(capture("shop"), Truncate(PREFIX, 500), 0, [Future()])
    stop.set()
    with pytest.raises(FreshetError, match="stopped"):
        never.result(10)
    sweeps.close()


def test_rows_that_were_read_before_a_truncation_are_not_sent_behind_it() -> None:
    tables = TruncatedTables()
    sent: list[int] = []

    def send(version: int, prefix: str = PREFIX) -> bool:
        def publish() -> Future[None]:
            sent.append(version)
            done = Future[None]()
            done.set_result(None)
            return done

        return tables.send(prefix, version, publish) is not None

    assert send(100)
    assert tables.truncate(PREFIX, 200) == []
    assert not send(100)
    assert send(200), "a read that began behind it"
    assert send(100, "shop/public.authors/")
    assert sent == [100, 200, 100]
