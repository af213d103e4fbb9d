"""The outbox's triggers on a real database: each change of a row is told, under the row's own id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from freshet.stack.postgres import PostgresServer
from freshet.stack.process import free_port
from producers.cdc.capture import Capture, CapturedTable, Outbox
from producers.cdc.database import Database
from producers.cdc.outbox_sql import outbox_sql
from tests.faults.harness.open_folder import open_folder

RECORDER = """
CREATE TABLE told (place bigserial, document_id text, op text, text text, metadata jsonb);
CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
           INSERT INTO told (document_id, op, text, metadata) VALUES (NEW.document_id, NEW.op, NEW.text, NEW.metadata);
           RETURN NULL;
       END $$;
CREATE TRIGGER record AFTER INSERT ON freshet_outbox FOR EACH ROW EXECUTE FUNCTION record();
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with open_folder("outbox") as folder:
        server = PostgresServer(folder / "data", folder / "log", free_port(), {})
        server.start()
        try:
            server.wait_ready()
            with Database(Capture(name="shop", url=server.url)) as database:
                database.run(outbox_sql(Outbox()))
                database.run(RECORDER)
            yield server
        finally:
            server.stop()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with Database(Capture(name="shop", url=postgres.url)) as opened:
        opened.run("TRUNCATE told")
        yield opened


def fill(database: Database, *tables: CapturedTable) -> None:
    """The triggers, and what the backfill tells."""
    database.run(outbox_sql(Outbox(), tables))


def told(database: Database) -> list[list[Any]]:
    assert database.one("SELECT count(*) FROM freshet_outbox") == 0
    return [list(row) for row in database.run("SELECT op, document_id FROM told ORDER BY place")]


def test_a_truncated_table_tells_the_end_of_each_of_its_rows(database: Database) -> None:
    database.run("CREATE TABLE orders (id int PRIMARY KEY, words text); INSERT INTO orders VALUES (1, 'a'), (2, 'b')")
    fill(database, CapturedTable(table="public.orders", key=("id",), text="{{words}}"))
    database.run("TRUNCATE orders")
    assert told(database) == [
        ["upsert", "public.orders/1"],
        ["upsert", "public.orders/2"],
        ["delete", "public.orders/1"],
        ["delete", "public.orders/2"],
    ]
    database.run("TRUNCATE orders")
    assert len(told(database)) == 4


def test_tables_whose_names_differ_in_a_dot_or_late_have_triggers_of_their_own(database: Database) -> None:
    long = "a_name_as_long_as_postgresql_takes_them_and_not_one_letter_mor"
    database.run(
        f"""CREATE SCHEMA a; CREATE SCHEMA a_b;
            CREATE TABLE a.b_c (id int PRIMARY KEY, one text); CREATE TABLE a_b.c (id int PRIMARY KEY, other text);
            CREATE TABLE {long}1 (id int PRIMARY KEY, one text);
            CREATE TABLE {long}2 (id int PRIMARY KEY, other text)"""
    )
    fill(
        database,
        CapturedTable(table="a.b_c", key=("id",), text="{{one}}"),
        CapturedTable(table="a_b.c", key=("id",), text="{{other}}"),
        CapturedTable(table=f"public.{long}1", key=("id",), text="{{one}}"),
        CapturedTable(table=f"public.{long}2", key=("id",), text="{{other}}"),
    )
    for table in ("a.b_c", "a_b.c", f"{long}1", f"{long}2"):
        database.run(f"INSERT INTO {table} VALUES (1, 'words')")
    assert told(database) == [
        ["upsert", "a.b_c/1"],
        ["upsert", "a_b.c/1"],
        ["upsert", f"public.{long}1/1"],
        ["upsert", f"public.{long}2/1"],
    ]


def test_a_key_of_several_columns_is_its_own_and_one_without_separators_as_it_was(database: Database) -> None:
    database.run("CREATE TABLE pairs (a text, b text, PRIMARY KEY (a, b)); CREATE TABLE paths (a text PRIMARY KEY)")
    fill(
        database,
        CapturedTable(table="public.pairs", key=("a", "b"), text="{{a}}"),
        CapturedTable(table="public.paths", key=("a",), text="{{a}}"),
    )
    database.run("INSERT INTO pairs VALUES ('a/b', 'c'), ('a', 'b/c'), ('50%', 'x'), ('a', 'c')")
    database.run("INSERT INTO paths VALUES ('a/b')")
    assert [name for _, name in told(database)] == [
        "public.pairs/a%2Fb/c",
        "public.pairs/a/b%2Fc",
        "public.pairs/50%25/x",
        "public.pairs/a/c",
        "public.paths/a/b",
    ]


def test_as_many_columns_as_one_likes_become_metadata(database: Database) -> None:
    names = tuple(f"column_{number}" for number in range(120))
    columns = ", ".join(f"{name} int DEFAULT {number}" for number, name in enumerate(names))
    database.run(f"CREATE TABLE wide (id int PRIMARY KEY, {columns}); INSERT INTO wide VALUES (1)")
    fill(database, CapturedTable(table="public.wide", key=("id",), text="", metadata=names))
    database.run("UPDATE wide SET column_7 = 70")
    first, second = (row[0] for row in database.run("SELECT metadata FROM told ORDER BY place"))
    assert first == {name: number for number, name in enumerate(names)}
    assert second == {**first, "column_7": 70}
