"""What becomes of a row that was read, when it is sent."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from freshet.errors import RejectedRecord
from producers.cdc.first_read import FirstRead
from producers.cdc.index import Index
from producers.cdc.pace import Pace
from producers.cdc.progress import Progress
from producers.cdc.rows import Row
from producers.cdc.truncated import TruncatedTables
from producers.cdc.version import version_of
from tests.unit.producers.cdc.changes import TABLE, capture
from tests.unit.producers.files.capture import CaptureSink

SHOP = capture("shop")
PREFIX = "shop/public.articles/"


class Reading:
    def __init__(self, folder: Path) -> None:
        self.sink, self.truncated, stop = CaptureSink(), TruncatedTables(), threading.Event()
        index = Index("http://127.0.0.1:1")
        self._first = FirstRead(self.sink, index, Progress(folder), self.truncated, "http://127.0.0.1:1", stop)
        self._pace = Pace(index, stop)

    def send(self, number: int, found: dict[str, Any] | RejectedRecord, position: int) -> bool:
        row = Row((number,), (str(number),), found)
        table = TABLE.model_copy(update={"tenant": "owner"})
        return self._first._send(SHOP, table, row, position, self._pace) is not None


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


def values(number: int) -> dict[str, Any]:
    return {"id": number, "title": "Tea", "body": "It is hot.", "owner": "acme"}


def test_a_page_that_was_read_before_a_truncation_is_dropped(reading: Reading) -> None:
    assert reading.send(1, values(1), 100)
    reading.truncated.truncate(PREFIX, version_of(200, alive=False))
    assert not reading.send(2, values(2), 100)
    assert reading.send(3, values(3), 300)
    assert [one.id for one in reading.sink.said] == [f"{PREFIX}1", f"{PREFIX}3"]


def test_a_refused_row_is_a_dead_letter_that_is_waited_for(reading: Reading) -> None:
    assert reading.send(1, RejectedRecord("invalid-value", "JSON without end"), 100)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert reading.send(2, {**values(2), "owner": deep}, 100)
    assert reading.send(3, values(3), 100)
    assert [one.kind for one in reading.sink.said] == ["letter", "letter", "upsert"]
