"""A capture through its life: edited by hand, interrupted in its repair, paused over a start, of another database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from freshet.errors import FreshetError
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.condition import condition_of
from producers.cdc.connect_api import ConnectApi
from producers.cdc.database import Database
from producers.cdc.health import slot_health
from producers.cdc.other_connectors import HISTORY
from producers.cdc.progress import Progress
from producers.cdc.registration import RUNNING_SECONDS
from producers.cdc.settings import CdcSettings
from producers.cdc.startup import start
from tests.integration.cdc_stack import CdcStack, capturing
from tests.unit.producers.cdc import envelopes

SECONDS = 60.0
PLANTS = CapturedTable(table="public.plants", key=("id",), text="{{title}}")
BIRDS = CapturedTable(table="public.birds", key=("id",), text="{{title}}")


@pytest.fixture(scope="module")
def cdc(stack: LocalStack) -> Iterator[CdcStack]:
    with capturing(stack) as opened:
        yield opened


@pytest.fixture
def database(cdc: CdcStack) -> Iterator[Database]:
    with cdc.connect() as opened:
        opened.run("DROP TABLE IF EXISTS plants, birds")
        for table in ("plants", "birds"):
            opened.run(f"CREATE TABLE {table} (id bigint PRIMARY KEY, title text)")
        yield opened


def wait_text(cdc: CdcStack, document_id: str, text: str) -> None:
    def there() -> bool:
        answer = httpx.get(f"{cdc.stack.search_url}/documents/{quote(document_id)}", timeout=10)
        return answer.status_code == 200 and answer.json()["chunks"][0]["text"] == text

    wait_until(there, f"{document_id} says {text!r}", SECONDS, cdc.capture.processes)


def wait_read(cdc: CdcStack, name: str) -> None:
    def read() -> bool:
        capture, progress = cdc.captures.read(name), Progress(cdc.captures.state)
        return all(progress.of(capture, table).done for table in capture.tables)

    wait_until(read, f"the rows of {name} are read", SECONDS, cdc.capture.processes)


def test_tables_come_and_go_by_editing_the_definition_alone(cdc: CdcStack, database: Database) -> None:
    one = Capture(name="by_hand", url=cdc.url, tables=(PLANTS,))
    both = one.model_copy(update={"tables": (PLANTS, BIRDS)})
    cdc.registration.add(one)
    try:
        database.run("INSERT INTO birds VALUES (1, 'An owl')")
        cdc.captures.write(both)
        wait_text(cdc, "by_hand/public.birds/1", "An owl")
        wait_read(cdc, "by_hand")
        assert slot_health(database, both).well
        database.run("INSERT INTO birds VALUES (2, 'A heron')")
        wait_text(cdc, "by_hand/public.birds/2", "A heron")

        cdc.captures.write(one)
        wait_until(
            lambda: Progress(cdc.captures.state).of(both, BIRDS).rows == 0,
            "what was read of the table is forgotten",
            SECONDS,
            cdc.capture.processes,
        )
        database.run("UPDATE birds SET title = 'A grey heron' WHERE id = 2")
        cdc.captures.write(both)
        wait_text(cdc, "by_hand/public.birds/2", "A grey heron")
    finally:
        cdc.registration.remove("by_hand")


def test_a_repair_that_was_interrupted_leaves_no_gap_that_nobody_sees(cdc: CdcStack, database: Database) -> None:
    capture = Capture(name="mended", url=cdc.url, tables=(PLANTS,))
    cdc.registration.add(capture)
    try:
        wait_read(cdc, "mended")
        before = cdc.captures.read("mended")
        cdc.captures.write(before.model_copy(update={"connector": {"plugin.name": "none of these"}}))
        with pytest.raises(FreshetError):
            cdc.registration.repair("mended")
        database.run("INSERT INTO plants VALUES (1, 'A fern')")
        cdc.captures.write(before)
        assert cdc.captures.read("mended").resync > before.resync
        again = cdc.registration.repair("mended")
        assert again.resync > before.resync
        wait_text(cdc, "mended/public.plants/1", "A fern")
        wait_read(cdc, "mended")
    finally:
        cdc.registration.remove("mended")


def test_a_paused_capture_stays_as_it_is_over_a_start(cdc: CdcStack, database: Database) -> None:
    settings = CdcSettings(captures=cdc.captures.folder, state=cdc.captures.state, connect_url=cdc.capture.connect.url)

    def plants_at_first(one: Capture) -> Capture:
        return one if one.tables else one.model_copy(update={"tables": (PLANTS,)})

    def begin(url: str) -> list[str]:
        return start(url, "started", plants_at_first, settings)

    assert begin(cdc.url) == []
    try:
        kept = cdc.captures.read("started").model_copy(update={"epoch": 2, "tables": (PLANTS, BIRDS)})
        cdc.registration.add(kept)
        with ConnectApi(cdc.capture.connect.url) as api:
            api.pause(kept.connector_name)
            wait_until(
                lambda: (state := api.state(kept.connector_name)) is not None and state.state == "PAUSED",
                "it is paused",
                SECONDS,
            )
        begun = time.monotonic()
        assert begin(cdc.url) == ["started: it is paused. freshet cdc resume started"]
        assert time.monotonic() - begun < RUNNING_SECONDS / 2
        assert cdc.captures.read("started") == kept
        [warning] = begin("postgresql://freshet:wrong@127.0.0.1:1/freshet")
        assert "cannot be reached" in warning
        assert cdc.captures.read("started") == kept
    finally:
        cdc.registration.remove("started")


def test_a_change_of_mysql_becomes_a_document_once_its_definition_is_there(cdc: CdcStack) -> None:
    table = CapturedTable(table="shop.articles", key=("id",), text="{{title}}")
    connector = {HISTORY: cdc.stack.bootstrap}
    capture = Capture(name="elsewhere", url="mysql://app@db.invalid/shop", tables=(table,), connector=connector)
    cdc.registration.add(capture)
    try:
        admin = AdminClient({"bootstrap.servers": cdc.stack.bootstrap})
        [topic] = admin.create_topics([NewTopic(capture.topic(table.table), 1, 1)]).values()
        topic.result(SECONDS)
        source = {"connector": "mysql", "db": "shop", "schema": None, "table": "articles", "lsn": None,
                  "file": "binlog.000007", "pos": 1234, "row": 0, "gtid": None}  # fmt: skip
        row = {"id": (5, "int32"), "title": ("Tea from elsewhere", "string")}
        producer = Producer({"bootstrap.servers": cdc.stack.bootstrap})
        producer.produce(
            capture.topic(table.table),
            key=envelopes.key({"id": (5, "int32")}),
            value=envelopes.value("c", row, None, source),
        )
        producer.flush(SECONDS)
        wait_text(cdc, "elsewhere/shop.articles/5", "Tea from elsewhere")
        condition = condition_of(capture, cdc.capture.connect.url, cdc.captures.state)
        assert condition.troubles == ["it has no connector freshet-elsewhere: register it, see `freshet cdc manifest`"]
    finally:
        cdc.registration.remove("elsewhere")
