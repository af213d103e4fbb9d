"""A database that cannot be captured is refused in words, with the SQL that mends it, before anything is changed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from freshet.errors import FreshetError, UnavailableError, UsageError
from freshet.stack.postgres import PostgresServer
from freshet.stack.process import free_port
from producers.cdc.asked import asked_capture
from producers.cdc.baseline import baseline
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.captures import Captures
from producers.cdc.catalog import table_facts
from producers.cdc.checks import Finding, examine, require
from producers.cdc.condition import condition_of
from producers.cdc.database import Database
from producers.cdc.existing import proposed
from producers.cdc.health import slot_health
from producers.cdc.monitor import Monitor
from producers.cdc.publication import ensure_publication, publication_findings, unpublished, widen_publication
from producers.cdc.rows import TableReader
from producers.cdc.slot import drop_slot, ensure_slot
from producers.cdc.version import parse_lsn
from tests.faults.harness.open_folder import open_folder

SCHEMA = """
CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text, slug text UNIQUE);
CREATE TABLE keyless (title text);
CREATE TABLE silent (id bigint PRIMARY KEY, title text);
ALTER TABLE silent REPLICA IDENTITY NOTHING;
CREATE TABLE late (id bigint PRIMARY KEY DEFERRABLE, title text);
CREATE TABLE "Odd ""Name" (id bigint PRIMARY KEY, "Title" text);
CREATE TABLE computed (id bigint PRIMARY KEY, title text, upper text GENERATED ALWAYS AS (upper(title)) STORED);
CREATE ROLE reader LOGIN PASSWORD 'reader';
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder("postgres") as made:
        yield made


@pytest.fixture(scope="module")
def postgres(folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(folder / "logical", folder / "logical.log", free_port(), {"max_replication_slots": "3"})
    server.start()
    try:
        server.wait_ready()
        with Database(Capture(name="owner", url=server.url)) as database:
            database.run(SCHEMA)
        yield server
    finally:
        server.stop()


def capture_of(server: PostgresServer, table: str = "public.articles", name: str = "shop", **options: Any) -> Capture:
    given = {"key": ("id",), "text": "{{title}}", **options}
    return Capture(name=name, url=server.url, tables=(CapturedTable(table=table, **given),))


def findings(capture: Capture, new: bool = True) -> list[Finding]:
    with Database(capture) as database:
        return examine(database, capture, new=new)


def refusal(capture: Capture) -> UsageError:
    with pytest.raises(UsageError) as refused:
        require(findings(capture))
    return refused.value


def test_a_table_with_its_key_is_found_well(postgres: PostgresServer) -> None:
    found = findings(capture_of(postgres))
    require(found)
    assert {"wal_level", "role", "max_slot_wal_keep_size", "public.articles"} <= {one.name for one in found}


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("postgresql://freshet:wrong@127.0.0.1:{port}/freshet", UsageError, "refuses the role freshet"),
        ("postgresql://nobody_such:x@127.0.0.1:{port}/freshet", UsageError, "refuses the role nobody_such"),
        ("postgresql://freshet:{password}@127.0.0.1:{port}/absent", UsageError, "there is no database"),
        ("postgresql://freshet:{password}@no.such.host.invalid:{port}/freshet", UnavailableError, "cannot be reached"),
        ("postgresql://freshet:{password}@127.0.0.1:{closed}/freshet", UnavailableError, "cannot be reached"),
    ],
    ids=["password", "role", "database", "host", "port"],
)
def test_a_wrong_address_is_said(postgres: PostgresServer, url: str, error: type[FreshetError], words: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        password = Capture(name="x", url=postgres.url).password.get_secret_value()
        address = url.format(port=postgres.port, password=password, closed=unused.getsockname()[1])
        with pytest.raises(error) as refused:
            Database(Capture(name="shop", url=address))
    assert words in refused.value.what
    assert refused.value.remedy
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    ("table", "options", "words", "remedy"),
    [
        ("public.absent", {}, "no such table", "schema.table"),
        ("public.articles", {"text": "{{headline}}"}, "no column headline", "its columns are id, title, body, slug"),
        ("public.articles", {"metadata": ("nothing",)}, "no column nothing", "mend the template"),
        ("public.keyless", {"key": ("title",)}, "no primary key", "ADD PRIMARY KEY (title)"),
        ("public.silent", {}, "replica identity is NOTHING", "REPLICA IDENTITY DEFAULT"),
        ("public.late", {}, "deferrable", "not deferrable"),
        ("public.articles", {"key": ("slug",)}, "does not hold slug", "--key id"),
        ("public.computed", {"text": "{{upper}}"}, "upper is generated", "from the columns that it is generated from"),
        ("public.articles", {"toast": "full"}, "its replica identity is default", "REPLICA IDENTITY FULL"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_the_remedy(
    postgres: PostgresServer, table: str, options: dict[str, Any], words: str, remedy: str
) -> None:
    refused = refusal(capture_of(postgres, table, **options))
    assert words in refused.detail
    assert remedy in refused.remedy


def test_a_key_that_nothing_keeps_unique_is_refused(postgres: PostgresServer) -> None:
    with Database(capture_of(postgres)) as database:
        database.run("CREATE TABLE wide (id bigint PRIMARY KEY, title text); ALTER TABLE wide REPLICA IDENTITY FULL")
    refused = refusal(capture_of(postgres, "public.wide", key=("title",)))
    assert "keeps title unique" in refused.detail
    assert "ADD UNIQUE" in refused.remedy


def test_a_role_that_may_not_replicate_or_read_is_refused(postgres: PostgresServer) -> None:
    capture = capture_of(postgres).model_copy(
        update={"url": f"postgresql://reader@127.0.0.1:{postgres.port}/freshet", "password": _secret("reader")}
    )
    refused = refusal(capture)
    assert "reader may not read the log" in refused.detail
    assert 'ALTER ROLE "reader" REPLICATION' in refused.remedy
    assert 'GRANT SELECT ON "public"."articles" TO "reader"' in refused.remedy
    with Database(capture) as database, pytest.raises(UsageError, match="publication cannot be made"):
        ensure_publication(database, capture)


def test_a_slot_left_over_or_taken_is_refused(postgres: PostgresServer) -> None:
    capture = capture_of(postgres, name="left")
    with Database(capture) as database:
        ensure_slot(database, capture)
        refused = refusal(capture)
        assert "left over" in refused.detail
        assert "pg_drop_replication_slot('freshet_left')" in refused.remedy
        require(findings(capture, new=False))
        warned = [one for one in findings(capture_of(postgres)) if one.name == "slots left over"]
        assert "freshet_left" in warned[0].detail
        database.run("SELECT pg_drop_replication_slot('freshet_left')")
        database.run("SELECT pg_create_physical_replication_slot('freshet_left')")
        assert "physical replication" in refusal(capture).detail
        database.run("SELECT pg_drop_replication_slot('freshet_left')")


def test_a_server_without_a_free_slot_is_refused(postgres: PostgresServer) -> None:
    with Database(capture_of(postgres)) as database:
        for number in range(3):
            database.run(f"SELECT pg_create_logical_replication_slot('full{number}', 'pgoutput')")
        try:
            refused = refusal(capture_of(postgres))
        finally:
            for number in range(3):
                database.run(f"SELECT pg_drop_replication_slot('full{number}')")
    assert "all 3 replication slots are taken" in refused.detail
    assert "max_replication_slots" in refused.remedy


def test_a_server_without_a_logical_log_is_refused_and_one_without_a_limit_warned_of(folder: Path) -> None:
    settings = {"wal_level": "replica", "max_slot_wal_keep_size": "-1"}
    server = PostgresServer(folder / "replica", folder / "replica.log", free_port(), settings)
    server.start()
    try:
        server.wait_ready()
        with Database(Capture(name="owner", url=server.url)) as database:
            database.run("CREATE TABLE articles (id bigint PRIMARY KEY, title text)")
        refused = refusal(capture_of(server))
        limit = {one.name: one for one in findings(capture_of(server))}["max_slot_wal_keep_size"]
    finally:
        server.stop()
    assert limit.level == "warn"
    assert "ALTER SYSTEM SET max_slot_wal_keep_size" in limit.sql
    assert "wal_level: it is replica" in refused.detail
    assert "ALTER SYSTEM SET wal_level = logical" in refused.remedy


def test_options_left_open_come_from_the_table(postgres: PostgresServer) -> None:
    capture = asked_capture(postgres.url, "shop", ["public.articles"], "", "", "", "", "reselect")
    assert capture.tables[0].key == ("id",)
    assert capture.tables[0].text == "title\n".replace("title", "{{title}}") + "{{body}}\n{{slug}}"
    with pytest.raises(UsageError, match="no primary key"):
        asked_capture(postgres.url, "shop", ["public.keyless"], "", "{{title}}", "", "", "reselect")
    with pytest.raises(UsageError, match="--table is missing"):
        asked_capture(postgres.url, "shop", [], "", "{{title}}", "", "", "reselect")


def test_a_database_is_captured_with_the_tables_that_can_be(postgres: PostgresServer) -> None:
    capture = proposed(Capture(name="database", url=postgres.url))
    named = {table.table: table.text for table in capture.tables}
    assert named["public.articles"] == "{{title}}\n{{body}}\n{{slug}}"
    assert named["public.computed"] == "{{title}}"
    assert not {"public.keyless", "public.silent", "public.late"} & named.keys()
    require(findings(capture))


def test_a_second_table_joins_the_first(postgres: PostgresServer) -> None:
    first = asked_capture(postgres.url, "shop", ["public.articles"], "", "", "", "", "reselect")
    both = asked_capture(postgres.url, "shop", ["public.computed"], "", "{{title}}", "", "", "reselect", first)
    assert [table.table for table in both.tables] == ["public.articles", "public.computed"]


def test_the_publication_follows_the_tables(postgres: PostgresServer) -> None:
    first = capture_of(postgres, name="grows")
    both = first.model_copy(
        update={"tables": (*first.tables, CapturedTable(table='public.Odd "Name', key=("id",), text="{{Title}}"))}
    )
    with Database(first) as database:
        assert ensure_publication(database, first)
        assert not ensure_publication(database, first)
        assert ensure_publication(database, both)
        rows = database.run("SELECT tablename FROM pg_publication_tables WHERE pubname = 'freshet_grows' ORDER BY 1")
        assert [row[0] for row in rows] == ['Odd "Name', "articles"]


def test_a_table_that_joins_by_its_definition_alone_is_published(postgres: PostgresServer) -> None:
    first = capture_of(postgres, name="joins")
    both = first.model_copy(update={"tables": (*first.tables, *capture_of(postgres, "public.computed").tables)})
    with Database(first) as database:
        assert widen_publication(database, first)
        ensure_slot(database, first)
        assert slot_health(database, both).unpublished_tables == ("public.computed",)
        assert "not in the publication" in slot_health(database, both).trouble(both)
        assert widen_publication(database, both)
        assert not widen_publication(database, both)
        assert slot_health(database, both).well
        # An older definition takes nothing away.
        assert not widen_publication(database, first)
        assert unpublished(database, both) == ()
        drop_slot(database, first)


def test_what_the_publication_lacks_is_said_before_anything_is_made(postgres: PostgresServer) -> None:
    capture = capture_of(postgres, name="published")
    both = capture.model_copy(update={"tables": (*capture.tables, *capture_of(postgres, "public.computed").tables)})
    stranger = {"url": f"postgresql://reader@127.0.0.1:{postgres.port}/freshet", "password": _secret("reader")}

    def said(one: Capture) -> Finding:
        with Database(one) as database:
            found = list(publication_findings(database, one))
        assert len(found) == 1
        return found[0]

    assert said(capture).detail == "freshet_published will be made"
    refused = said(capture.model_copy(update=stranger))
    assert refused.level == "fail"
    assert "reader does not own public.articles" in refused.detail
    assert refused.sql.startswith('CREATE PUBLICATION "freshet_published" FOR TABLE "public"."articles"')
    with Database(capture) as database:
        assert database.one("SELECT count(*) FROM pg_publication WHERE pubname = 'freshet_published'") == 0
        ensure_publication(database, capture)
    assert said(capture.model_copy(update=stranger)).level == "ok"
    assert said(both).detail == "public.computed will be added to freshet_published"
    refused = said(both.model_copy(update=stranger))
    assert refused.level == "fail"
    assert refused.sql == 'ALTER PUBLICATION "freshet_published" ADD TABLE "public"."computed"'


def test_a_publication_of_all_tables_serves(postgres: PostgresServer) -> None:
    capture = capture_of(postgres, name="everything")
    with Database(capture) as database:
        database.run("CREATE PUBLICATION freshet_everything FOR ALL TABLES")
        assert not ensure_publication(database, capture)
        assert not widen_publication(database, capture)
        assert [one.level for one in publication_findings(database, capture)] == ["ok"]
        database.run("DROP PUBLICATION freshet_everything")


def test_a_monitor_goes_to_the_address_that_a_definition_was_given(
    postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = capture_of(postgres, name="moved")
    monitor = Monitor("http://127.0.0.1:1", Captures(tmp_path / "captures"))
    try:
        monitor.look({"moved": here})
        assert "the slot freshet_moved is absent" not in caplog.text
        assert "Kafka Connect at http://127.0.0.1:1 does not answer" in caplog.text
        monitor.look({"moved": here.model_copy(update={"url": "postgresql://freshet@127.0.0.1:1/freshet"})})
        assert "PostgreSQL at 127.0.0.1:1/freshet cannot be reached" in caplog.text
    finally:
        monitor.close()


def test_names_with_quotes_and_capitals_are_read(postgres: PostgresServer) -> None:
    table = CapturedTable(table='public.Odd "Name', key=("id",), text="{{Title}}")
    with Database(capture_of(postgres)) as database:
        database.run("""INSERT INTO "Odd ""Name" VALUES (1, 'O''Brien \\ ok'), (2, NULL)""")
        facts = table_facts(database, table.table)
        assert facts is not None
        reader = TableReader(database, table, facts)
        assert [row.values for page in reader.pages(size=1) for row in page] == [
            {"id": 1, "Title": "O'Brien \\ ok"},
            {"id": 2, "Title": None},
        ]
        assert reader.by_key([1]) == {"id": 1, "Title": "O'Brien \\ ok"}


def _secret(text: str) -> SecretStr:
    return SecretStr(text)


def test_a_renamed_table_and_a_slot_that_is_lost_are_troubles(folder: Path) -> None:
    settings = {"max_slot_wal_keep_size": "1MB", "min_wal_size": "32MB", "max_wal_size": "64MB"}
    server = PostgresServer(folder / "small", folder / "small.log", free_port(), settings)
    server.start()
    try:
        server.wait_ready()
        capture = capture_of(server)
        with Database(capture) as database:
            database.run("CREATE TABLE articles (id bigint PRIMARY KEY, title text)")
            assert slot_health(database, capture).wal_status == "absent"
            ensure_publication(database, capture)
            ensure_slot(database, capture)
            assert slot_health(database, capture).well
            database.run("ALTER TABLE articles RENAME TO essays")
            renamed = slot_health(database, capture)
            assert renamed.missing_tables == ("public.articles",)
            assert "if it was renamed" in renamed.trouble(capture)
            database.run("ALTER TABLE essays RENAME TO articles")
            for _ in range(4):
                database.run("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000))")
                database.run("SELECT pg_switch_wal()")
                database.run("CHECKPOINT")
            lost = slot_health(database, capture)
            assert lost.lost, lost
            assert "freshet cdc repair shop" in lost.trouble(capture)
            assert "is lost" in refusal(capture).detail
    finally:
        server.stop()


def test_a_position_is_taken_before_the_rows_and_waits_for_transactions_that_write(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    capture = capture_of(postgres)
    with Database(capture) as writer, Database(capture) as reader:
        writer.run("BEGIN")
        writer.run("INSERT INTO articles (id, title) VALUES (77, 'open')")
        with pytest.raises(UnavailableError, match="is open since") as refused:
            baseline(reader, threading.Event(), 0.2)
        pid = writer.one("SELECT pg_backend_pid()")
        assert f"the transaction of pid {pid} (freshet, freshet, freshet, open since 20" in refused.value.detail
        told = condition_of(capture, "http://127.0.0.1:1", tmp_path).read["public.articles"]
        assert f"not read yet: the transaction of pid {pid}" in told
        waited: list[int] = []

        def commit(oldest: str) -> None:
            assert str(pid) in oldest
            waited.append(parse_lsn(reader.one("SELECT pg_current_wal_insert_lsn()::text")))
            writer.run("COMMIT")

        position = baseline(reader, threading.Event(), 30, commit)
        assert waited
        assert position <= waited[0]
        assert reader.one("SELECT count(*) FROM articles WHERE id = 77") == 1
        writer.run("DELETE FROM articles")
