"""An audit on a real database: what differs is told and sent again, and no document whose row exists is deleted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from prometheus_client import REGISTRY

from freshet.dead_letters import DeadLetter
from freshet.errors import RejectedRecord, UsageError
from freshet.publishing import Receipt
from freshet.stack.postgres import PostgresServer
from freshet.stack.process import free_port
from producers.cdc.audit import Audit
from producers.cdc.auditor import Auditor
from producers.cdc.capture import Capture, CapturedTable, Outbox
from producers.cdc.captures import Captures
from producers.cdc.catalog import table_facts
from producers.cdc.comparison import Comparison, TableAudit
from producers.cdc.database import Database
from producers.cdc.index import Index, Indexed, IndexedDocument
from producers.cdc.rows import TableReader
from producers.cdc.version import parse_lsn, version_of
from tests.faults.harness.open_folder import open_folder

TABLE = CapturedTable(table="public.articles", key=("id",), text="{{title}}", metadata=("tags",))
SECONDS = 60.0


class Documents(Index):
    """What the index shows, written by hand or by a repair."""

    def __init__(self) -> None:
        self.shown: dict[str, IndexedDocument] = {}
        self.listings = 0
        self.delay_s = 0.0
        self.refuses: set[str] = set()
        self.deleted: list[str] = []

    def close(self) -> None:
        """Nothing is open."""

    def below(self, prefix: str) -> Iterator[Indexed]:
        self.listings += 1
        for name, one in list(self.shown.items()):
            if name.startswith(prefix):
                yield Indexed(name, one.version, False, one.metadata, one.tenant)

    def document(self, document_id: str) -> IndexedDocument | None:
        threading.Event().wait(self.delay_s)
        return self.shown.get(document_id)

    def publish(self, id: str, text: str | Iterable[str], *, version: int, **options: Any) -> Future[Receipt]:
        if id in self.refuses:
            raise RejectedRecord("invalid-field", "refused")
        self.shown[id] = IndexedDocument(version, options["metadata"], options["tenant"], ["".join(text)])
        return _done(id, version)

    def delete(self, id: str, version: int, **_: Any) -> Future[Receipt]:
        self.deleted.append(id)
        self.shown.pop(id, None)
        return _done(id, version)

    def dead_letter(self, letter: DeadLetter) -> Future[Receipt]:
        raise NotImplementedError


def _done(id: str, version: int) -> Future[Receipt]:
    future: Future[Receipt] = Future()
    future.set_result(Receipt(id, version, 1, "documents", 0, 0))
    return future


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with open_folder("audit") as folder:
        server = PostgresServer(folder / "data", folder / "log", free_port(), {})
        server.start()
        try:
            server.wait_ready()
            yield server
        finally:
            server.stop()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with Database(Capture(name="shop", url=postgres.url)) as opened:
        opened.run("DROP TABLE IF EXISTS articles; CREATE TABLE articles (id int PRIMARY KEY, title text, tags json)")
        opened.run("INSERT INTO articles SELECT n, 'title ' || n FROM generate_series(1, 4) AS n")
        yield opened


@pytest.fixture
def documents() -> Documents:
    """Of the rows above, as their changes left them."""
    found = Documents()
    for number in range(1, 5):
        found.shown[name(number)] = IndexedDocument(1, {"tags": None}, "", [f"title {number}"])
    return found


def name(number: object, table: str = "articles") -> str:
    return f"shop/public.{table}/{number}"


def capture_of(server: PostgresServer, *tables: CapturedTable) -> Capture:
    return Capture(name="shop", url=server.url, tables=tables or (TABLE,))


def audit(server: PostgresServer, documents: Documents, repair: bool = False, settle_s: float = 0.3) -> TableAudit:
    return Audit(capture_of(server), documents, settle_s).run(TABLE, documents if repair else None)


def test_each_difference_is_told_and_mended(postgres: PostgresServer, database: Database, documents: Documents) -> None:
    del documents.shown[name(1)]
    documents.shown[name(2)] = IndexedDocument(1, {"tags": None}, "", ["tampered"])
    documents.shown[name(3)] = IndexedDocument(1, {"tags": "x"}, "", ["title 3"])
    documents.shown[name(9)] = IndexedDocument(1, {}, "", ["a ghost"])
    found = audit(postgres, documents)
    assert (found.missing, found.different, found.orphans, found.left) == (1, 2, 1, 4)
    assert documents.listings == 1
    mended = audit(postgres, documents, repair=True)
    assert (mended.repaired, mended.left) == (4, 0)
    assert documents.deleted == [name(9)]
    assert audit(postgres, documents).clean


def test_a_row_that_was_seen_is_not_deleted_by_a_repair(
    postgres: PostgresServer, database: Database, documents: Documents
) -> None:
    facts = table_facts(database, TABLE.table)
    assert facts is not None
    position = parse_lsn(database.one("SELECT pg_current_wal_insert_lsn()::text"))
    comparison = Comparison(
        capture_of(postgres), TABLE, TableReader(database, TABLE, facts), documents, position, threading.Event(),
        texts=True,
    )  # fmt: skip
    documents.shown[name(2)] = IndexedDocument(1, {}, "", ["different"])
    comparison.look()
    database.run("DELETE FROM articles WHERE id = 2")
    comparison.settle(0.3)
    comparison.repair(documents)
    assert documents.deleted == []
    assert (comparison.found.orphans, comparison.found.left) == (1, 1)


def test_documents_of_a_table_with_a_binary_key_are_kept(postgres: PostgresServer, database: Database) -> None:
    database.run("DROP TABLE IF EXISTS blobs; CREATE TABLE blobs (id bytea PRIMARY KEY, title text)")
    database.run(r"INSERT INTO blobs VALUES ('\xdeadbeef', 'one'), ('\x00', 'two')")
    table = CapturedTable(table="public.blobs", key=("id",), text="{{title}}")
    documents = Documents()
    documents.shown = {
        name("deadbeef", "blobs"): IndexedDocument(1, {}, "", ["one"]),
        name("00", "blobs"): IndexedDocument(1, {}, "", ["old"]),
    }
    found = Audit(capture_of(postgres, table), documents, 0.3).run(table, documents)
    assert (found.different, found.orphans, found.repaired) == (1, 0, 1)
    assert documents.deleted == []
    assert documents.shown[name("00", "blobs")].chunks == ["two"]


def test_a_table_whose_key_names_no_row_is_not_audited(postgres: PostgresServer, database: Database) -> None:
    database.run("DROP TABLE IF EXISTS loose; CREATE TABLE loose (id varbit PRIMARY KEY, title text)")
    table = CapturedTable(table="public.loose", key=("id",), text="{{title}}")
    with pytest.raises(UsageError, match="found again"):
        Audit(capture_of(postgres, table), Documents()).run(table)


def test_a_row_that_makes_no_document_keeps_the_one_it_had(
    postgres: PostgresServer, database: Database, documents: Documents
) -> None:
    database.run(r"""UPDATE articles SET tags = '"\ud800"' WHERE id = 2""")
    found = audit(postgres, documents, repair=True)
    assert (found.refused, found.rows, found.left) == (1, 3, 0)
    assert documents.deleted == []
    assert name(2) in documents.shown


def test_one_document_that_is_refused_stops_no_repair(
    postgres: PostgresServer, database: Database, documents: Documents
) -> None:
    documents.shown.clear()
    documents.refuses.add(name(2))
    found = audit(postgres, documents, repair=True)
    assert (found.repaired, found.left) == (3, 1)
    assert set(documents.shown) == {name(1), name(3), name(4)}


def test_documents_ahead_of_the_log_are_told_and_nothing_is_sent(
    postgres: PostgresServer, database: Database, documents: Documents
) -> None:
    ahead = version_of(1 << 50, alive=True)
    documents.shown[name(2)] = IndexedDocument(ahead, {"tags": None}, "", ["title 2"])
    documents.shown[name(8)] = IndexedDocument(ahead, {}, "", ["of a row that the restore lost"])
    found = audit(postgres, documents, repair=True)
    assert (found.ahead, found.repaired, found.left) == (2, 0, 2)
    assert documents.deleted == []


def test_looking_again_ends_in_time_and_says_what_it_did_not_reach(
    postgres: PostgresServer, database: Database, documents: Documents
) -> None:
    database.run("INSERT INTO articles SELECT n, 'title' FROM generate_series(10, 300) AS n")
    documents.delay_s = 0.05
    begun = time.monotonic()
    found = audit(postgres, documents, settle_s=0.5)
    assert time.monotonic() - begun < 8
    assert found.missing == 291
    assert 200 < found.unsettled < 291


@pytest.fixture
def captures(postgres: PostgresServer, database: Database, tmp_path: Any) -> Captures:
    found = Captures(tmp_path / "captures")
    database.run("CREATE TABLE IF NOT EXISTS essays (id int PRIMARY KEY, title text)")
    essays = CapturedTable(table="public.essays", key=("id",), text="{{title}}")
    found.write(capture_of(postgres))
    found.write(Capture(name="other", url=postgres.url, tables=(essays,)))
    found.write(Capture(name="written", url=postgres.url, outbox=Outbox()))
    return found


def test_one_table_is_found_in_whichever_capture_has_it(captures: Captures, documents: Documents) -> None:
    def chosen(**options: Any) -> list[tuple[str, str]]:
        return [(capture.name, one.table) for capture, one in Auditor(captures, documents, **options).chosen()]

    assert chosen() == [("other", "public.essays"), ("shop", "public.articles")]
    assert chosen(table="public.essays") == [("other", "public.essays")]
    with pytest.raises(UsageError, match=r"public\.essay\b.*known: public\.articles, public\.essays"):
        chosen(table="public.essay")
    with pytest.raises(UsageError, match="written has no tables"):
        chosen(name="written")
    assert Auditor(Captures(captures.folder / "none"), documents).chosen() == []


def test_rounds_go_on_until_stopped_whatever_fails_and_tell_their_figures(
    captures: Captures, database: Database, documents: Documents
) -> None:
    del documents.shown[name(1)]
    documents.shown[name(2)] = IndexedDocument(1, {"tags": None}, "", ["tampered"])
    stop, rounds = threading.Event(), threading.Semaphore(0)
    shown: list[TableAudit] = []

    def show(_capture: str, outcome: TableAudit) -> None:
        shown.append(outcome)
        rounds.release()

    failed_before = _figure("freshet_cdc_audit_failures_total") or 0.0
    auditor = Auditor(captures, documents, documents)
    thread = threading.Thread(target=auditor.repeat, args=(0.1, show, stop))
    thread.start()
    try:
        for _ in range(2):
            assert rounds.acquire(timeout=SECONDS)
        assert [one.left for one in shown if one.table == TABLE.table] == [0]
        found = [_figure("freshet_cdc_audit_differences", kind=kind) for kind in ("missing", "different", "orphaned")]
        assert found == [1, 1, 0]
        database.run("DROP TABLE essays")
        for _ in range(3):
            assert rounds.acquire(timeout=SECONDS)
    finally:
        stop.set()
        thread.join(SECONDS)
    assert not thread.is_alive()
    assert _figure("freshet_cdc_audit_differences", kind="missing") == 0
    assert _figure("freshet_cdc_audit_compared_documents") == 4
    assert (_figure("freshet_cdc_audit_failures_total") or 0.0) > failed_before
    assert abs((_figure("freshet_cdc_audit_last_timestamp_seconds") or 0) - time.time()) < SECONDS


def _figure(metric: str, **labels: str) -> float | None:
    named = {} if metric.endswith("_total") else {"capture": "shop", "table": TABLE.table, **labels}
    return REGISTRY.get_sample_value(metric, named)
