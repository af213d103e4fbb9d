"""A row that is there is found, whatever its key, its columns and the database's settings are; a hidden one is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from freshet.errors import RejectedRecord, UnavailableError, UsageError
from freshet.stack.postgres import PostgresServer
from freshet.stack.process import free_port
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import table_facts
from producers.cdc.checks import examine, require
from producers.cdc.database import Database
from producers.cdc.existing import proposed
from producers.cdc.rows import Row, TableReader
from tests.faults.harness.open_folder import open_folder

KEYS: dict[str, tuple[str, list[Any]]] = {
    "bytea": (r"'\xdeadbeef', '\x5c27', ''", ["", "5c27", "deadbeef"]),
    "bit": ("B'0', B'1'", [False, True]),
    "bit(3)": ("B'001', B'110'", ["001", "110"]),
    "boolean": ("false, true", [False, True]),
    "bigint": ("-1, 9007199254740993", [-1, 9007199254740993]),
    "oid": ("0, 4294967295", [0, 4294967295]),
    "double precision": ("1e300, 'NaN', '-Infinity', 0.1", ["-Infinity", 0.1, 1e300, "NaN"]),
    "real": ("1.1, 2", [1.1, 2.0]),
    "numeric": ("12.50, 'NaN'", ["12.50", "NaN"]),
    "money": ("1234.50, -1", ["-1.00", "1234.50"]),
    "text": (r"'it''s \ ', 'a'':b', ''", ["", "a':b", "it's \\ "]),
    "char(4)": ("'ab'", ["ab  "]),
    "uuid": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    "date": ("'0044-03-15 BC', '0001-01-01', 'infinity', '12345-06-07'",
             ["-0043-03-15", "0001-01-01", "12345-06-07", "infinity"]),
    "timestamp": ("'0001-03-15 10:00:00.5 BC', '2024-02-29 12:34:56.123456'",
                  ["0000-03-15T10:00:00.5", "2024-02-29T12:34:56.123456"]),
    "timestamptz": ("'0044-03-15 10:00:00+00 BC', '2024-02-29 12:34:56+02', '-infinity'",
                    ["-infinity", "-0043-03-15T10:00:00Z", "2024-02-29T10:34:56Z"]),
    "time": ("'12:34:56.700'", ["12:34:56.7"]),
    "interval": ("'-1 day -00:00:00.5', '1 year 2 mons 04:00'", ["P-1DT-0.5S", "P1Y2MT4H"]),
    "inet": ("'10.0.0.1/24'", ["10.0.0.1/24"]),
    "int4range": ("'[1,5)'", ["[1,5)"]),
    "mood": ("'sad', 'ok'", ["sad", "ok"]),
    "stamp": ("'2024-02-29 12:00:00'", ["2024-02-29T12:00:00"]),
    "tall": ("1, 7", [1, 7]),
}  # fmt: skip
"""By type: values that a table holds, and those of its keys as Debezium has them, in the table's order."""
UNFIT = ["varbit", "timetz", "jsonb", "int[]"]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with open_folder("rows") as folder:
        server = PostgresServer(folder / "data", folder / "log", free_port(), {})
        server.start()
        try:
            server.wait_ready()
            with Database(capture_of(server, "public.x")) as database:
                database.run(
                    """CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN stamp AS timestamp;
                       CREATE DOMAIN number AS int; CREATE DOMAIN tall AS number CHECK (value > 0);
                       CREATE DOMAIN extra AS jsonb; CREATE DOMAIN listed AS numeric[]"""
                )
            yield server
        finally:
            server.stop()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with Database(capture_of(postgres, "public.x")) as opened:
        yield opened


def capture_of(server: PostgresServer, table: str, role: str = "", **options: Any) -> Capture:
    given = {"key": ("id",), "text": "{{title}}", **options}
    capture = Capture(name="shop", url=server.url, tables=(CapturedTable(table=table, **given),))
    if not role:
        return capture
    url = f"postgresql://{role}@127.0.0.1:{server.port}/freshet"
    return capture.model_copy(update={"url": url, "password": SecretStr(role)})


def reader_of(database: Database, name: str, **options: Any) -> TableReader:
    table = CapturedTable(table=f"public.{name}", **{"key": ("id",), "text": "{{title}}", **options})
    facts = table_facts(database, table.table)
    assert facts is not None
    return TableReader(database, table, facts)


def rows(reader: TableReader) -> list[Row]:
    return [row for page in reader.pages(size=1) for row in page]


@pytest.mark.parametrize("kind", KEYS)
def test_a_row_is_found_again_by_its_key_of_any_type(database: Database, kind: str) -> None:
    written, keys = KEYS[kind]
    database.run(f"DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (id {kind} PRIMARY KEY, title text)")
    database.run(f"INSERT INTO keyed SELECT one::{kind}, 'here' FROM unnest(ARRAY[{written}]::{kind}[]) AS one")
    reader = reader_of(database, "keyed")
    found = rows(reader)
    assert [row.key for row in found] == [(key,) for key in keys]
    assert [type(row.key[0]) for row in found] == [type(key) for key in keys]
    for row in found:
        assert reader.by_key(row.key) == row.values, row


@pytest.mark.parametrize("kind", UNFIT)
def test_a_key_that_names_no_row_for_sure_is_refused_and_never_looked_up(
    postgres: PostgresServer, database: Database, kind: str
) -> None:
    database.run(f"DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (id {kind} PRIMARY KEY, title text)")
    with pytest.raises(UsageError, match="cannot be told from others"):
        require(examine(database, capture_of(postgres, "public.keyed"), new=True))
    with pytest.raises(RejectedRecord, match="unsupported-key"):
        reader_of(database, "keyed").by_key(["1"])


def test_all_tables_of_a_database_are_those_whose_rows_can_be_named(
    postgres: PostgresServer, database: Database
) -> None:
    database.run(
        """CREATE TABLE plain (id date PRIMARY KEY, title text); CREATE TABLE zoned (id timetz PRIMARY KEY, title text);
           CREATE ROLE half LOGIN PASSWORD 'half'; CREATE TABLE screened (id int PRIMARY KEY, title text);
           ALTER TABLE screened ENABLE ROW LEVEL SECURITY; GRANT SELECT ON plain, zoned, screened TO half"""
    )
    found = proposed(Capture(name="all", url=capture_of(postgres, "public.x", "half").url, password=SecretStr("half")))
    assert {"public.plain", "public.zoned", "public.screened"} & {one.table for one in found.tables} == {"public.plain"}


def test_values_of_domains_and_of_bits_are_those_of_the_log(database: Database) -> None:
    database.run(
        """DROP TABLE IF EXISTS typed;
           CREATE TABLE typed (id tall PRIMARY KEY, at stamp, more extra, many listed, short varbit(8), free varbit);
           INSERT INTO typed VALUES (1, '2024-01-01', '{"a": 1}', '{1.50,2}', '11', '0011')"""
    )
    [row] = rows(reader_of(database, "typed", text="", metadata=("at", "more", "many", "short", "free")))
    assert row.values == {
        "id": 1,
        "at": "2024-01-01T00:00:00",
        "more": {"a": 1},
        "many": ["1.50", "2"],
        "short": "00000011",
        "free": "11",
    }


def test_an_array_of_numbers_that_holds_none_is_null_as_in_the_log(database: Database) -> None:
    database.run("CREATE TABLE counted (id int PRIMARY KEY, n numeric, many numeric[])")
    database.run("INSERT INTO counted VALUES (1, 'NaN', '{1.5,NULL}'), (2, 'Infinity', '{NaN,1}')")
    first, second = rows(reader_of(database, "counted", text="", metadata=("n", "many")))
    assert first.values == {"id": 1, "n": "NaN", "many": ["1.5", None]}
    assert second.values == {"id": 2, "n": "Infinity", "many": None}


def test_a_table_of_many_columns_is_read(database: Database) -> None:
    names = [f"column_{number}" for number in range(120)]
    columns = ", ".join(f"{name} int DEFAULT {number}" for number, name in enumerate(names))
    database.run(f"CREATE TABLE broad (id int PRIMARY KEY, title text, {columns}); INSERT INTO broad VALUES (1, 'x')")
    [row] = rows(reader_of(database, "broad", metadata=tuple(names)))
    assert row.values == {"id": 1, "title": "x", **{name: number for number, name in enumerate(names)}}


def test_columns_may_have_the_names_that_a_query_uses(database: Database) -> None:
    database.run("""CREATE TABLE named (id int PRIMARY KEY, r text, t text, u text, one int[], place int);
                    INSERT INTO named VALUES (1, 'r', 't', 'u', '{3}', 2)""")
    [row] = rows(reader_of(database, "named", text="", metadata=("r", "t", "u", "one", "place")))
    assert row.values == {"id": 1, "r": "r", "t": "t", "u": "u", "one": [3], "place": 2}


@pytest.mark.parametrize("value", ['"\\ud800"', "[" * 3000 + "]" * 3000], ids=["surrogate", "nested"])
def test_a_row_whose_json_cannot_be_read_is_there_and_refused_alone(database: Database, value: str) -> None:
    database.run("DROP TABLE IF EXISTS odd; CREATE TABLE odd (id int PRIMARY KEY, title text, j json)")
    database.run("INSERT INTO odd SELECT n, 't', CASE WHEN n = 2 THEN :v ELSE '1' END::json "
                 "FROM generate_series(1, 3) AS n", v=value)  # fmt: skip
    reader = reader_of(database, "odd", metadata=("j",))
    first, bad, last = rows(reader)
    assert (first.values["j"], last.values["j"]) == (1, 1)
    assert bad.key == (2,)
    with pytest.raises(RejectedRecord, match="invalid-value"):
        bad.values  # noqa: B018
    with pytest.raises(RejectedRecord, match="invalid-value"):
        reader.by_key([2])
    assert reader.row_of([2]) is not None


def test_settings_of_the_role_change_neither_quoting_nor_values(postgres: PostgresServer, database: Database) -> None:
    database.run(
        r"""CREATE TABLE quoted (id text PRIMARY KEY, title date);
            INSERT INTO quoted VALUES ('ends in \', '2024-02-29'), (' OR true --', '2024-02-29');
            CREATE ROLE odd LOGIN PASSWORD 'odd'; GRANT SELECT ON quoted TO odd;
            ALTER ROLE odd SET standard_conforming_strings = off; ALTER ROLE odd SET DateStyle = 'German'"""
    )
    with Database(capture_of(postgres, "public.quoted", "odd")) as other:
        reader = reader_of(other, "quoted")
        assert {row.key[0] for row in rows(reader)} == {"ends in \\", " OR true --"}
        assert reader.by_key(["ends in \\"]) == {"id": "ends in \\", "title": "2024-02-29"}
        assert reader.by_key(["\\"]) is None


def test_rows_that_a_policy_hides_are_refused_and_not_taken_for_gone(
    postgres: PostgresServer, database: Database
) -> None:
    database.run(
        """CREATE TABLE secret (id int PRIMARY KEY, title text); INSERT INTO secret VALUES (1, 'one');
           CREATE ROLE guest LOGIN REPLICATION PASSWORD 'guest'; GRANT SELECT ON secret TO guest"""
    )
    capture = capture_of(postgres, "public.secret", "guest")
    with Database(capture) as guest:
        require([one for one in examine(guest, capture, new=True) if one.name == "public.secret"])
        database.run("ALTER TABLE secret ENABLE ROW LEVEL SECURITY")
        with pytest.raises(UsageError) as refused:
            require(examine(guest, capture, new=True))
        assert 'ALTER ROLE "guest" BYPASSRLS' in refused.value.remedy
        reader = reader_of(guest, "secret")
        for look in (lambda: rows(reader), lambda: reader.by_key([1])):
            with pytest.raises(UsageError, match="row-level security"):
                look()
        database.run('ALTER ROLE "guest" BYPASSRLS')
    with Database(capture) as guest:
        require([one for one in examine(guest, capture, new=True) if one.name == "public.secret"])
        assert reader_of(guest, "secret").by_key([1]) == {"id": 1, "title": "one"}


def test_a_table_that_somebody_locks_is_not_waited_for_without_an_end(
    postgres: PostgresServer, database: Database
) -> None:
    database.run("CREATE TABLE locked (id int PRIMARY KEY, title text)")
    database.run("BEGIN; LOCK TABLE locked")
    for limit, statement in (("lock_s", "SELECT * FROM locked"), ("statement_s", "SELECT pg_sleep(30)")):
        other = Database(capture_of(postgres, "public.locked"), **{limit: 0.2})
        with other, pytest.raises(UnavailableError, match="took too long"):
            other.run(statement)
    database.run("ROLLBACK")


def test_a_server_that_falls_silent_is_given_up(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.cdc.database._MARGIN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = threading.Event()
        threading.Thread(target=_relay, args=(silent, postgres.port, mute), daemon=True).start()
        url = postgres.url.replace(f":{postgres.port}", f":{silent.getsockname()[1]}")
        with Database(Capture(name="shop", url=url), statement_s=0.3) as database:
            assert database.one("SELECT 1") == 1
            mute.set()
            begun = time.monotonic()
            with pytest.raises(UnavailableError, match="cannot be reached"):
                database.run("SELECT 1")
            assert time.monotonic() - begun < 10


def _relay(listener: socket.socket, port: int, mute: threading.Event) -> None:
    """Between a client and the server, until told to say nothing more."""
    client, _ = listener.accept()
    with client, socket.create_connection(("127.0.0.1", port)) as server:

        def forward(source: socket.socket, target: socket.socket) -> None:
            while (piece := source.recv(1 << 16)) and not mute.is_set():
                target.sendall(piece)

        back = threading.Thread(target=forward, args=(server, client), daemon=True)
        back.start()
        while client.recv_into(buffer := bytearray(1 << 16), flags=socket.MSG_PEEK) and not mute.is_set():
            server.sendall(buffer[: client.recv_into(buffer)])
        mute.wait()
        back.join(0.1)
