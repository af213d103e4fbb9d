"""A row that is committed in PostgreSQL is found by search, in its newest state, and gone when deleted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from freshet.dead_letter_log import letters
from freshet.errors import UsageError
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from producers.cdc.audit import Audit, TableAudit
from producers.cdc.capture import Capture, CapturedTable, Outbox
from producers.cdc.captures import Captures
from producers.cdc.catalog import table_facts
from producers.cdc.connector import PLACEHOLDER
from producers.cdc.database import Database
from producers.cdc.index import Index
from producers.cdc.outbox_sql import outbox_sql
from producers.cdc.progress import Progress
from producers.cdc.registration import Registration
from producers.cdc.sample import NAME, sampled
from producers.cdc.settings import CdcSettings
from producers.cdc.startup import start
from tests.integration.cdc_stack import CdcStack, capturing

SECONDS = 60.0
TYPES = """
DROP TABLE IF EXISTS types; DROP TABLE IF EXISTS large; DROP TYPE IF EXISTS mood;
DROP DOMAIN IF EXISTS stamp; DROP DOMAIN IF EXISTS tall; DROP DOMAIN IF EXISTS number; DROP DOMAIN IF EXISTS extra;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN stamp AS timestamp; CREATE DOMAIN number AS int;
CREATE DOMAIN tall AS number CHECK (value > 0); CREATE DOMAIN extra AS jsonb;
CREATE TABLE types (id bigint PRIMARY KEY, a_text text, a_vc varchar(20), a_char char(5), b bool, i2 int2, i4 int4,
    i8 int8, f4 float4, f8 float8, n numeric(10,2), nn numeric, cash money, d date, tm time, tmtz timetz, ts timestamp,
    tstz timestamptz, iv interval, u uuid, j json, jb jsonb, by bytea, ia int[], ta text[], na numeric[],
    da timestamptz[], m mood, ma mood[], net inet, net2 cidr, mac macaddr, bits bit(3), vb varbit, bit1 bit(1),
    pt point, r int4range, tsr tstzrange, oidc oid, words tsvector, vb8 varbit(8), ds stamp, dn tall, dj extra,
    gen text GENERATED ALWAYS AS (a_text || '!') STORED);
CREATE TABLE large (a int, b text, title text, body text, PRIMARY KEY (a, b));
ALTER TABLE large ALTER COLUMN body SET STORAGE EXTERNAL;
"""
TYPE_ROWS = (
    """INSERT INTO types VALUES (1, 'héllo 😀', 'vc', 'ab', true, 1, 2, 9007199254740993, 1.5, 'NaN', 12.50,
       123456789012345678901234567890.123456789, '$12.34', '2024-02-29', '12:34:56.789', '12:34:56+02',
       '2024-02-29 12:34:56.123456', '2024-02-29 12:34:56.123456+02', '1 year 2 mons 3 days 04:05:06.7',
       'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": 1,  "a":[1,2]}', '{"b":1,"a":[1,null,"x"]}', '\\xdeadbeef',
       '{1,2,NULL}', '{"a","b,c",NULL}', '{1.50,2}', '{2024-02-29 12:00:00+00}', 'happy', '{sad,ok}', '10.0.0.1/24',
       '10.0.0.0/24', '08:00:2b:01:02:03', '101', '11', '1', '(1,2)', '[1,5)', '[2024-01-01,2024-02-01)', 5,
       'a:1 b')""",
    """INSERT INTO types (id, jb, a_text, f8, d, ts, tstz, n, iv, ta, bits, vb)
       VALUES (2, 'null', '', 'Infinity', 'infinity', 'infinity', '-infinity', 'NaN', '0', '{}', '001', '0001')""",
    """INSERT INTO types (id, jb, d, ts, tstz, iv, f4, f8, i2, pt) VALUES (3, '"str"', '0044-03-15 BC',
       '0044-03-15 10:00:00 BC', '0044-03-15 10:00:00+00 BC', '-1 day -00:00:00.5', 0.1, 1e300, -32768, '(1.5,-2)')""",
    "INSERT INTO types (id, a_text) VALUES (4, 'everything else is NULL')",
    """INSERT INTO types (id, a_text, d, nn, na, vb8, ds, dn, dj)
       VALUES (5, 'NAN', '12345-06-07', 'Infinity', '{NaN,1}', '11', '2024-02-29 12:00:00', 7, '{"a": [1]}')""",
)


@pytest.fixture(scope="module")
def cdc(stack: LocalStack) -> Iterator[CdcStack]:
    with capturing(stack) as opened:
        settings = CdcSettings(
            captures=opened.captures.folder, state=opened.captures.state, connect_url=opened.capture.connect.url
        )
        assert start(opened.url, NAME, sampled, settings) == []
        yield opened


@pytest.fixture
def database(cdc: CdcStack) -> Iterator[Database]:
    with cdc.connect() as opened:
        yield opened


def found(cdc: CdcStack, text: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{cdc.stack.search_url}/search", params={"q": text, "source": "sample", "k": 5}, timeout=10)
    results: list[dict[str, Any]] = answer.raise_for_status().json()["results"]
    return results


def wait_first(cdc: CdcStack, text: str, document_id: str) -> dict[str, Any]:
    hits: list[dict[str, Any]] = []

    def first() -> bool:
        hits[:] = found(cdc, text)
        return bool(hits) and hits[0]["id"] == document_id

    wait_until(first, f"{text!r} finds {document_id}", SECONDS, cdc.capture.processes)
    return hits[0]


def read(cdc: CdcStack, document_id: str) -> httpx.Response:
    return httpx.get(f"{cdc.stack.search_url}/documents/{quote(document_id)}", timeout=10)


def wait_gone(cdc: CdcStack, document_id: str) -> None:
    def gone() -> bool:
        return read(cdc, document_id).status_code == 410

    wait_until(gone, f"{document_id} is gone", SECONDS, cdc.capture.processes)


def test_rows_that_were_there_before_are_found(cdc: CdcStack) -> None:
    hit = wait_first(cdc, "baking a loaf with yeast", "sample/public.articles/3")
    assert hit["metadata"]["tags"] == ["kitchen", "baking"]
    assert hit["tenant"] == "public"
    assert hit["metadata"]["updated_at"].endswith("Z")
    wait_first(cdc, "keeps bees on a roof", "sample/public.authors/1")


def test_a_row_is_found_changed_moved_and_deleted(cdc: CdcStack, database: Database) -> None:
    database.run("INSERT INTO articles (id, title, body) VALUES (100, 'Tides', 'The moon pulls the sea twice a day.')")
    wait_first(cdc, "why does the ocean rise and fall", "sample/public.articles/100")
    database.run("UPDATE articles SET title = 'Owls', body = 'They hunt at night without a sound.' WHERE id = 100")
    wait_first(cdc, "nocturnal birds", "sample/public.articles/100")
    database.run("UPDATE articles SET id = 101 WHERE id = 100")
    wait_first(cdc, "nocturnal birds", "sample/public.articles/101")
    wait_gone(cdc, "sample/public.articles/100")
    database.run("DELETE FROM articles WHERE id = 101")
    wait_gone(cdc, "sample/public.articles/101")


@pytest.fixture
def notes(cdc: CdcStack, database: Database) -> Iterator[Capture]:
    """A table of every type and one of large bodies, captured under another name; removed afterwards."""
    database.run(TYPES)
    table = table_facts(database, "public.types")
    assert table is not None
    every = tuple(name for name, column in table.columns.items() if not column.generated)
    capture = Capture(
        name="notes",
        url=cdc.url,
        tables=(
            CapturedTable(table="public.types", key=("id",), text="{{a_text}}", metadata=every),
            CapturedTable(table="public.large", key=("a", "b"), text="{{title}}\n\n{{body}}"),
        ),
    )
    cdc.registration.add(capture)
    yield cdc.captures.read("notes")
    cdc.registration.remove("notes")


def test_every_type_reads_the_same_from_the_log_and_from_the_table(
    cdc: CdcStack, database: Database, notes: Capture
) -> None:
    wait_until(lambda: _read_whole(cdc, notes), "both tables are read", SECONDS, cdc.capture.processes)
    for statement in TYPE_ROWS:
        database.run(statement)
    wait_document(cdc, "notes/public.types/5", lambda found: True)
    found = wait_document(cdc, "notes/public.types/1", lambda found: True)
    assert found["metadata"]["n"] == "12.50"
    assert found["metadata"]["jb.a"] == [1, None, "x"]
    assert found["metadata"]["i8"] == 9007199254740993
    assert found["metadata"]["tstz"] == "2024-02-29T10:34:56.123456Z"
    assert wait_document(cdc, "notes/public.types/2", lambda found: True)["metadata"]["jb"] is None
    told = wait_document(cdc, "notes/public.types/5", lambda found: True)["metadata"]
    assert (told["a_text"], told["nn"], told["na"], told["d"]) == ("NAN", "Infinity", None, "12345-06-07")
    assert (told["ds"], told["dn"], told["dj.a"], told["vb8"]) == ("2024-02-29T12:00:00", 7, [1], "00000011")
    audit = _audit(cdc, notes)
    assert audit["public.types"].clean, audit
    assert audit["public.types"].rows == audit["public.types"].documents == 5


def test_a_large_column_that_a_change_leaves_alone_is_kept(cdc: CdcStack, database: Database, notes: Capture) -> None:
    body = " ".join(f"sentence {number} of a long body." for number in range(1500))
    database.run("INSERT INTO large VALUES (1, 'x/y', 'first', :body)", body=body)
    name = "notes/public.large/1/x%2Fy"
    wait_document(cdc, name, lambda found: found["chunks"][0]["text"].startswith("first"))
    database.run("UPDATE large SET title = 'second' WHERE a = 1")
    found = wait_document(cdc, name, lambda found: found["chunks"][0]["text"].startswith("second"))
    assert "sentence 1499 of" in found["chunks"][-1]["text"]
    database.run("UPDATE large SET a = 2 WHERE a = 1")
    moved = wait_document(cdc, "notes/public.large/2/x%2Fy", lambda found: True)
    assert "sentence 1499 of" in moved["chunks"][-1]["text"]
    assert not any(PLACEHOLDER in chunk["text"] for one in (found, moved) for chunk in one["chunks"])
    wait_gone(cdc, name)
    # Gone before anybody could read it again: no document may hold the placeholder, and none may stay.
    with Database(Capture(name="test", url=cdc.url)) as other:
        other.run("BEGIN; UPDATE large SET title = 'third' WHERE a = 2; DELETE FROM large WHERE a = 2; COMMIT")
    wait_gone(cdc, "notes/public.large/2/x%2Fy")


def test_a_change_beside_text_and_metadata_is_not_published(cdc: CdcStack, database: Database) -> None:
    database.run("INSERT INTO articles (id, title, body) VALUES (200, 'Maps', 'How the coast was drawn.')")
    before = wait_document(cdc, "sample/public.articles/200", lambda found: True)
    for _ in range(5):
        database.run("UPDATE articles SET views = views + 1 WHERE id = 200")
    database.run("INSERT INTO articles (id, title, body) VALUES (201, 'After', 'It comes behind the views.')")
    wait_document(cdc, "sample/public.articles/201", lambda found: True)
    assert wait_document(cdc, "sample/public.articles/200", lambda found: True)["version"] == before["version"]


def test_an_audit_finds_and_repairs_what_is_missing_orphaned_and_different(cdc: CdcStack, database: Database) -> None:
    database.run("INSERT INTO articles (id, title) VALUES (300, 'Lost'), (301, 'Spoilt')")
    wait_document(cdc, "sample/public.articles/301", lambda found: True)
    capture = cdc.captures.read("sample")
    with Publisher(KafkaSettings(bootstrap=cdc.stack.bootstrap)) as publisher:
        wait_document(cdc, "sample/public.articles/300", lambda found: True)
        version = wait_document(cdc, "sample/public.articles/301", lambda found: True)["version"]
        publisher.delete("sample/public.articles/300", version + 1).result(30)
        publisher.publish("sample/public.articles/301", "tampered", version=version + 8).result(30)
        publisher.publish("sample/public.articles/999", "a ghost", version=1).result(30)
        wait_gone(cdc, "sample/public.articles/300")
        wait_document(cdc, "sample/public.articles/999", lambda found: True)
        wait_document(cdc, "sample/public.articles/301", lambda found: found["chunks"][0]["text"] == "tampered")
        # Something to stand behind the versions above.
        database.run("UPDATE authors SET biography = biography || '.'")
        found = _audit(cdc, capture)["public.articles"]
        assert (found.missing, found.orphans, found.different) == (1, 1, 1), found
        repaired = Audit(capture, Index(cdc.stack.search_url), 2).run(capture.tables[0], publisher)
        assert repaired.repaired == 3
    wait_document(cdc, "sample/public.articles/300", lambda found: True)
    wait_document(cdc, "sample/public.articles/301", lambda found: found["chunks"][0]["text"] == "Spoilt")
    wait_gone(cdc, "sample/public.articles/999")
    assert _audit(cdc, capture)["public.articles"].clean


def test_connect_killed_under_load_leaves_every_row_in_its_newest_state(cdc: CdcStack, database: Database) -> None:
    for number in range(150):
        if number == 75:
            cdc.capture.connect.kill()
        row = 400 + number % 20
        database.run(
            """INSERT INTO articles (id, title, body) VALUES (:id, :title, 'Again and again.')
               ON CONFLICT (id) DO UPDATE SET title = excluded.title""",
            id=row,
            title=f"State {number} of row {row}",
        )
        if number % 20 == 19:
            database.run("DELETE FROM articles WHERE id = :id", id=row)
    cdc.capture.connect.start()
    cdc.capture.connect.wait_ready(120)
    database.run("INSERT INTO articles (id, title) VALUES (450, 'The end of the load')")
    wait_document(cdc, "sample/public.articles/450", lambda found: True)
    found = _audit(cdc, cdc.captures.read("sample"))["public.articles"]
    assert found.clean, found


def test_a_row_that_cannot_be_read_is_a_dead_letter_and_its_neighbours_are_found(
    cdc: CdcStack, database: Database
) -> None:
    database.run("CREATE TABLE odd (id bigint PRIMARY KEY, title text, j json)")
    database.run(
        """INSERT INTO odd VALUES (1, 'before', '1'), (2, 'half a character', '"\\ud800"'), (3, 'behind', '2')"""
    )
    table = CapturedTable(table="public.odd", key=("id",), text="{{title}}", metadata=("j",))
    cdc.registration.add(Capture(name="odd", url=cdc.url, tables=(table,)))
    try:
        wait_document(cdc, "odd/public.odd/3", lambda found: True)
        assert wait_document(cdc, "odd/public.odd/1", lambda found: True)["metadata"]["j"] == 1
        kafka = KafkaSettings(bootstrap=cdc.stack.bootstrap)

        def refused() -> bool:
            return any(one.letter.key == b'odd/public.odd/["2"]' for one in letters(kafka))

        wait_until(refused, "the row is a dead letter", SECONDS, cdc.capture.processes)
    finally:
        cdc.registration.remove("odd")


def test_a_database_that_lets_nobody_in_holds_back_its_own_changes_alone(cdc: CdcStack, database: Database) -> None:
    body = " ".join(f"sentence {number} of a long body." for number in range(1500))
    database.run("CREATE ROLE clerk LOGIN REPLICATION PASSWORD 'in'")
    database.run(f"GRANT CREATE ON DATABASE {Capture(name='x', url=cdc.url).database} TO clerk")
    database.run("CREATE TABLE mail (id bigint PRIMARY KEY, title text, body text)")
    database.run("ALTER TABLE mail ALTER COLUMN body SET STORAGE EXTERNAL; ALTER TABLE mail OWNER TO clerk")
    address = f"postgresql://clerk:in@{cdc.url.rpartition('@')[2]}"
    table = CapturedTable(table="public.mail", key=("id",), text="{{title}} {{body}}")
    cdc.registration.add(Capture(name="mail", url=address, tables=(table,)))
    try:
        database.run("INSERT INTO mail VALUES (1, 'first', :body)", body=body)
        wait_document(cdc, "mail/public.mail/1", lambda found: True)
        database.run("ALTER ROLE clerk NOLOGIN")
        try:
            database.run(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE usename = 'clerk' AND application_name = 'freshet'"""
            )
            database.run("UPDATE mail SET title = 'second' WHERE id = 1")
            database.run("INSERT INTO mail VALUES (2, 'behind', '')")
            database.run("INSERT INTO articles (id, title) VALUES (600, 'Of another capture')")
            wait_document(cdc, "sample/public.articles/600", lambda found: True)
            assert read(cdc, "mail/public.mail/2").status_code == 404
        finally:
            database.run("ALTER ROLE clerk LOGIN")
        wait_document(cdc, "mail/public.mail/1", lambda found: found["chunks"][0]["text"].startswith("second"))
        found = wait_document(cdc, "mail/public.mail/2", lambda found: True)
        assert found["chunks"][0]["text"].startswith("behind")
    finally:
        cdc.registration.remove("mail")


def test_a_truncated_table_leaves_no_document(cdc: CdcStack, database: Database) -> None:
    database.run("INSERT INTO authors (id, name) SELECT n, 'author ' || n FROM generate_series(1000, 1050) AS n")
    database.run("TRUNCATE authors CASCADE")
    database.run("INSERT INTO authors (id, name) VALUES (2000, 'the first of a new list')")
    wait_document(cdc, "sample/public.authors/2000", lambda found: True)

    def left() -> list[str]:
        index = Index(cdc.stack.search_url)
        try:
            return [one.id for table in ("authors", "articles") for one in index.below(f"sample/public.{table}/")
                    if not one.deleted]  # fmt: skip
        finally:
            index.close()

    wait_until(lambda: left() == ["sample/public.authors/2000"], "only what came after is left", SECONDS)


def test_status_pause_resume_and_remove_through_the_command_line(cdc: CdcStack, database: Database) -> None:
    def freshet(*arguments: str, command: str = "cdc") -> subprocess.CompletedProcess[str]:
        program = [str(Path(sys.executable).parent / "freshet"), command, *arguments]
        return subprocess.run(program, env={**os.environ, **cdc.environment}, capture_output=True, text=True)

    added = freshet("add", cdc.url, "--name", "byhand", "--table", "public.articles", "--metadata", "tags")
    assert added.returncode == 0, added.stderr
    taken = freshet("add", cdc.url, "--name", "byhand", "--table", "public.nothing")
    assert taken.returncode == 1
    assert "there is no table public.nothing" in taken.stderr
    assert freshet("status", "byhand").returncode == 0
    assert freshet("pause", "byhand").returncode == 0
    wait_until(lambda: freshet("status", "byhand").returncode == 3, "status says that it is paused", SECONDS)
    assert freshet("resume", "byhand").returncode == 0
    wait_until(lambda: freshet("status", "byhand", "--json").returncode == 0, "it runs again", SECONDS)
    database.run("INSERT INTO articles (id, title) VALUES (500, 'Once more')")
    wait_document(cdc, "byhand/public.articles/500", lambda found: True)
    listed = json.loads(freshet("list", "--json").stdout)
    assert {"byhand", "sample"} <= {one["name"] for one in listed}
    assert "password" not in listed[0]
    assert freshet("remove", "byhand").returncode == 0
    assert database.run("SELECT 1 FROM pg_replication_slots WHERE slot_name = 'freshet_byhand'") == []
    assert database.run("SELECT 1 FROM pg_publication WHERE pubname = 'freshet_byhand'") == []
    audited = freshet("sample", "--json", command="audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert [one["table"] for one in json.loads(audited.stdout)["sample"]] == ["public.articles", "public.authors"]
    again = freshet("add", cdc.url, "--name", "byhand", "--table", "public.articles")
    assert again.returncode == 0, again.stderr
    assert freshet("remove", "byhand").returncode == 0


def test_a_slot_that_another_connector_reads_is_refused(cdc: CdcStack, tmp_path: Path) -> None:
    other = Registration(Captures(tmp_path), cdc.capture.connect.url)
    with pytest.raises(UsageError) as refused:
        other.add(cdc.captures.read("sample"))
    assert "two connectors cannot share a slot" in refused.value.detail
    assert other.check(cdc.captures.read("sample").model_copy(update={"name": "free"}))[-1].level == "ok"


def test_a_renamed_column_of_the_template_makes_dead_letters_until_the_template_follows(
    cdc: CdcStack, database: Database
) -> None:
    database.run("CREATE TABLE pages (id bigint PRIMARY KEY, title text)")
    page = CapturedTable(table="public.pages", key=("id",), text="{{title}}")
    capture = Capture(name="renamed", url=cdc.url, tables=(page,))
    cdc.registration.add(capture)
    try:
        database.run("INSERT INTO pages VALUES (1, 'before')")
        wait_document(cdc, "renamed/public.pages/1", lambda found: True)
        database.run("ALTER TABLE pages RENAME COLUMN title TO headline")
        database.run("UPDATE pages SET headline = 'behind' WHERE id = 1")
        kafka = KafkaSettings(bootstrap=cdc.stack.bootstrap)

        def refused() -> bool:
            return any(one.letter.reason == "missing-column" and not one.redriven for one in letters(kafka))

        wait_until(refused, "the change is a dead letter", SECONDS, cdc.capture.processes)
        follows = page.model_copy(update={"text": "{{headline}}"})
        cdc.registration.add(capture.model_copy(update={"tables": (CapturedTable(**follows.model_dump()),)}))
        wait_document(cdc, "renamed/public.pages/1", lambda found: found["chunks"][0]["text"] == "behind")
    finally:
        cdc.registration.remove("renamed")


def test_an_outbox_is_a_way_without_capturing_the_tables(cdc: CdcStack, database: Database) -> None:
    database.run("CREATE TABLE orders (id bigint PRIMARY KEY, words text, city text)")
    database.run("INSERT INTO orders VALUES (1, 'A crate of oranges for the harbour.', 'Lisbon')")
    table = CapturedTable(table="public.orders", key=("id",), text="{{words}}", metadata=("city",))
    statements = outbox_sql(Outbox(), (table,))
    schema, backfill = statements.split("-- Once the capture runs", 1)
    database.run(schema)
    cdc.registration.add(Capture(name="outbox", url=cdc.url, outbox=Outbox()))
    try:
        database.run("-- Once the capture runs" + backfill)
        found = wait_document(cdc, "outbox/public.orders/1", lambda found: True)
        assert found["metadata"] == {"city": "Lisbon"}
        database.run("UPDATE orders SET words = 'Sardines instead.', id = 2")
        wait_document(cdc, "outbox/public.orders/2", lambda found: found["chunks"][0]["text"] == "Sardines instead.")
        wait_gone(cdc, "outbox/public.orders/1")
        database.run("DELETE FROM orders")
        wait_gone(cdc, "outbox/public.orders/2")
        assert database.one("SELECT count(*) FROM freshet_outbox") == 0
    finally:
        cdc.registration.remove("outbox")


def wait_document(cdc: CdcStack, document_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Block until it is there and ``holds``."""
    answer: dict[str, Any] = {}

    def there() -> bool:
        found = read(cdc, document_id)
        if found.status_code != 200:
            return False
        answer.update(found.json())
        return holds(answer)

    wait_until(there, f"{document_id} is there as wanted", SECONDS, cdc.capture.processes)
    return answer


def _audit(cdc: CdcStack, capture: Capture) -> dict[str, TableAudit]:
    index = Index(cdc.stack.search_url)
    try:
        return {table.table: Audit(capture, index, 10).run(table) for table in capture.tables}
    finally:
        index.close()


def _read_whole(cdc: CdcStack, capture: Capture) -> bool:
    progress = Progress(cdc.folder / "cdc")
    return all(progress.of(capture, table).done for table in capture.tables)
