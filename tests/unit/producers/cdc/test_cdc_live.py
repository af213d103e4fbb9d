"""Changes in the order in which they lie on the topics, though one database cannot be read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from freshet.errors import UnavailableError, UsageError
from freshet.settings import KafkaSettings
from producers.cdc.capture import Capture
from producers.cdc.connector import PLACEHOLDER
from producers.cdc.known import KnownContents
from producers.cdc.live import LiveChanges
from producers.cdc.reselect import Reselect
from producers.cdc.version import version_of
from producers.cdc.voice import Voice
from tests.unit.producers.cdc.changes import Broker, Sweeps, capture
from tests.unit.producers.files.capture import CaptureSink


class Postgres:
    """The few answers that reading a row takes. ``bodies`` are of shop's rows by key; ``away`` is why none comes."""

    def __init__(self) -> None:
        self.away: Exception | None = None
        self.connects = 0
        self.bodies: dict[str, str] = {}
        self.stale = False
        self.mended = 64
        """From this epoch of the definition on it is not away."""

    def connect(self, capture: Capture) -> Any:
        self.connects += 1
        if self.away is not None and capture.epoch < self.mended:
            raise self.away
        self.away = None
        return self

    def close(self) -> None:
        return


class Rows:
    """In place of TableReader and the catalog, whose SQL only a PostgreSQL answers."""

    def __init__(self, postgres: Postgres, *_: object) -> None:
        self._postgres = postgres
        postgres.stale = False

    def by_key(self, key: list[Any]) -> dict[str, Any]:
        if self._postgres.away is not None:
            raise self._postgres.away
        if self._postgres.stale:
            raise UsageError("PostgreSQL refuses", 'column "headline" does not exist (42703)')
        return {"body": self._postgres.bodies.get(str(key[0]), "read again")}


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Postgres:
    monkeypatch.setattr("producers.cdc.reselect.TableReader", Rows)
    monkeypatch.setattr("producers.cdc.reselect.table_facts", lambda database, table: object())
    return Postgres()


class Bench:
    def __init__(self, postgres: Postgres, *names: str) -> None:
        self.broker, self.sink, self.sweeps = Broker(), CaptureSink(), Sweeps()
        self.live = LiveChanges(
            KafkaSettings(),
            Voice(self.sink, KnownContents(100)),
            self.sweeps,
            2000,
            consumer=self.broker,
            reselect=Reselect(postgres.connect),
        )
        self.live.serve({name: capture(name) for name in names or ("shop",)})

    def run(self) -> None:
        """Until no record comes."""
        while self.live.step(0):
            pass

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < deadline, f"not in time: {what}; {self.sink.said}"
            self.live.step(0)

    def texts(self, name: str) -> list[str]:
        return [one.text for one in self.sink.said if one.kind == "upsert" and one.id.startswith(f"{name}/")]

    def stored(self, name: str) -> int | None:
        return self.broker.stored.get(f"cdc.{name}.public.articles")


def test_the_same_rows_behind_a_truncation_are_published_again(postgres: Postgres) -> None:
    bench = Bench(postgres)
    bench.broker.put("shop", "c", 100)
    bench.broker.put("shop", "t", 200)
    bench.broker.put("shop", "c", 300)
    bench.run()
    versions = [one.version for one in bench.sink.said]
    assert versions == [version_of(lsn, alive=True) for lsn in (100, 300)]
    assert bench.stored("shop") == 200, "the truncation is not done yet"
    bench.sweeps.done[0].set_result(None)
    bench.run()
    assert bench.stored("shop") == 301


def test_a_truncation_is_told_what_was_sent_before_it_and_is_not_there_yet(postgres: Postgres) -> None:
    bench = Bench(postgres)
    bench.broker.put("shop", "c", 100)
    bench.run()
    bench.sink.hold = True
    bench.broker.put("shop", "c", 150, number=2)
    bench.broker.put("shop", "t", 200)
    bench.run()
    assert [before for _, before in bench.sweeps.asked] == [bench.sink.held]


def test_a_database_that_is_away_holds_its_own_changes_alone_and_in_their_order(postgres: Postgres) -> None:
    postgres.away = UnavailableError("PostgreSQL at shop cannot be reached")
    bench = Bench(postgres, "shop", "other")
    bench.broker.put("shop", "c", 1, number=7)
    bench.broker.put("shop", "u", 2, body=PLACEHOLDER)
    bench.broker.put("shop", "c", 3, number=8, title="behind")
    bench.broker.put("other", "c", 4, title="goes on")
    bench.run()
    bench.until(lambda: postgres.connects > 1, "it is tried again")
    assert bench.texts("other") == ["goes on\n\nIt is hot."]
    assert bench.texts("shop") == ["Tea\n\nIt is hot."]
    assert bench.stored("shop") == 2
    postgres.away = None
    bench.until(lambda: len(bench.texts("shop")) == 3, "the changes that waited are published")
    assert bench.texts("shop") == ["Tea\n\nIt is hot.", "Tea\n\nread again", "behind\n\nIt is hot."]
    bench.run()
    assert bench.stored("shop") == 4
    assert bench.broker.paused == set()


def test_a_wrong_password_is_tried_anew_when_the_definition_changes(postgres: Postgres) -> None:
    postgres.away = UsageError("PostgreSQL refuses the role app")
    bench = Bench(postgres)
    bench.broker.put("shop", "u", 2, body=PLACEHOLDER)
    bench.until(lambda: postgres.connects > 1, "it is tried")
    postgres.mended = 1
    bench.live.serve({"shop": capture("shop").model_copy(update={"epoch": 1})})
    bench.until(lambda: bench.texts("shop") == ["Tea\n\nread again"], "the change is published")
    assert bench.sink.said[-1].version == version_of(2, alive=True, epoch=1)


def test_a_reader_older_than_its_table_is_made_anew(postgres: Postgres) -> None:
    bench = Bench(postgres)
    bench.broker.put("shop", "u", 2, body=PLACEHOLDER)
    bench.until(lambda: len(bench.texts("shop")) == 1, "the row is read")
    postgres.stale, postgres.bodies = True, {"1": "of a table with other columns"}
    bench.broker.put("shop", "u", 3, body=PLACEHOLDER)
    bench.until(lambda: len(bench.texts("shop")) == 2, "the row is read by a new reader")
    assert postgres.connects == 1


def test_partitions_taken_away_while_they_are_held_are_not_paused_when_they_come_back(postgres: Postgres) -> None:
    postgres.away = UnavailableError("PostgreSQL at shop cannot be reached")
    bench = Bench(postgres)
    bench.broker.put("shop", "u", 2, body=PLACEHOLDER)
    bench.until(lambda: bool(bench.broker.paused), "it is held")
    bench.broker.revoke("shop")
    assert bench.broker.paused == set()
    bench.broker.put("shop", "c", 3, title="new")
    bench.run()
    assert bench.texts("shop") == ["new\n\nIt is hot."], "what was held is another's now"


def test_what_another_published_meanwhile_is_not_taken_for_known(postgres: Postgres) -> None:
    bench = Bench(postgres)
    bench.broker.put("shop", "c", 1)
    bench.run()
    bench.broker.revoke("shop")
    # Between them somebody else published another text, and the row is now what it was.
    bench.broker.put("shop", "u", 3)
    bench.run()
    assert [one.version for one in bench.sink.said] == [version_of(lsn, alive=True) for lsn in (1, 3)]


def test_a_change_that_was_completed_does_not_hide_the_one_that_made_its_column(postgres: Postgres) -> None:
    bench = Bench(postgres)
    # The title changed; the body was read again, and was that of the next change already.
    postgres.bodies = {"1": "new"}
    bench.broker.put("shop", "u", 1, title="Coffee", body=PLACEHOLDER)
    bench.until(lambda: len(bench.sink.said) == 1, "the row is read again")
    # A first read that began between them may have published the old body since.
    bench.broker.put("shop", "u", 2, title="Coffee", body="new")
    bench.run()
    assert len(bench.sink.said) == 2
    # Whole, and completed to the same: nothing new.
    bench.broker.put("shop", "u", 3, title="Coffee", body=PLACEHOLDER)
    bench.run()
    assert len(bench.sink.said) == 2


def test_a_row_nested_without_end_is_a_dead_letter(postgres: Postgres) -> None:
    bench = Bench(postgres)
    deep = b"[" * 5_000 + b"]" * 5_000
    fields = b'"fields":[{"field":"op","type":"string"},{"field":"after","type":"struct"}]'
    envelope = b'{"op":"c","source":{},"after":{"title":' + deep + b"}}"
    bench.broker.put_raw("shop", 1, b'{"schema":{"type":"struct",' + fields + b'},"payload":' + envelope + b"}")
    bench.broker.put("shop", "c", 2)
    bench.run()
    assert [one.kind for one in bench.sink.said] == ["letter", "upsert"]
    assert bench.stored("shop") == 3
