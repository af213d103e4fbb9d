"""Transactions and rows of unusual shape, and tables that change theirs, while transactions go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from freshet.errors import FreshetError
from freshet.offsets import Offsets, behind
from freshet.publishing import Publisher
from freshet.stack.process import wait_until
from freshet.topics import Topic
from producers.cdc.condition import condition_of
from producers.cdc.live import GROUP
from tests.faults.harness.api import Api
from tests.faults.harness.cdc_trial import NAME, CdcTrial
from tests.faults.harness.cdc_writer import Mix
from tests.faults.harness.ledger import Change

ROWS = 10_000
BODY_BYTES = 5 << 20
TRUNCATE_SECONDS = 60.0


def test_interleaved_transactions_on_few_rows(cdc: CdcTrial) -> None:
    with cdc.under_load(rate=60, documents=6, mix=Mix(several=0.5, moves=0.1, rollbacks=0.15)):
        cdc.wait_changes(1_500)
    cdc.verify()


def test_a_transaction_of_10_000_rows(cdc: CdcTrial) -> None:
    with cdc.under_load(rate=20), cdc.database() as database:
        cdc.breaks(lambda: database.run("BEGIN"))
        found = database.run(
            f"""INSERT INTO notes (id, seq, body)
                SELECT '{cdc.prefix}-bulk-' || n, nextval('note_changes'), 'bulk row ' || n % 50
                FROM generate_series(1, {ROWS}) AS n RETURNING id, seq, body"""
        )
        for name, seq, body in found:
            cdc.ledger.sent(change := Change(f"{NAME}/public.notes/{name}", seq, "upsert", body))
            cdc.ledger.acknowledged(change)
        database.run("COMMIT")
    cdc.verify()


def test_a_body_of_5_mb_and_a_change_beside_it(cdc: CdcTrial) -> None:
    paragraph = "A long report repeats itself, and says once more what it said before. " * 6
    body = "\n\n".join([paragraph] * (BODY_BYTES // len(paragraph)))
    with cdc.under_load(rate=20), cdc.database() as database:
        cdc.breaks(lambda: None)
        large = cdc.upsert(database, "large", body)
        cdc.wait_found(large)
        # The log of this one does not have the body.
        seq = database.run(
            "UPDATE notes SET seq = nextval('note_changes') WHERE id = :name RETURNING seq", name=f"{cdc.prefix}-large"
        )[0][0]
        cdc.ledger.sent(again := Change(large.document_id, seq, "upsert", body))
        cdc.ledger.acknowledged(again)
        cdc.wait_found(again)
    cdc.verify()


def test_columns_added_renamed_retyped_and_dropped(cdc: CdcTrial) -> None:
    with cdc.under_load(), cdc.database() as database:
        cdc.breaks(lambda: database.run("ALTER TABLE notes ADD COLUMN added text NOT NULL DEFAULT 'x'"))
        cdc.wait_changes(60)
        database.run("ALTER TABLE notes RENAME COLUMN added TO renamed")
        cdc.wait_changes(60)
        database.run("ALTER TABLE notes ALTER COLUMN extra TYPE bigint")
        cdc.wait_changes(60)
        database.run("ALTER TABLE notes ALTER COLUMN body TYPE varchar(10485760)")
        cdc.wait_changes(60)
        database.run("ALTER TABLE notes DROP COLUMN renamed")
        cdc.wait_changes(60)
    cdc.verify()


def test_a_table_renamed_is_a_trouble_and_goes_on_under_its_name(cdc: CdcTrial) -> None:
    with cdc.under_load(), cdc.database() as database:
        cdc.breaks(lambda: database.run("ALTER TABLE notes RENAME TO renamed"))
        condition = condition_of(cdc.lab.capture, cdc.cdc.connect.url, cdc.lab.folder / "cdc")
        assert any("there is no table public.notes" in trouble for trouble in condition.troubles)
        database.run("ALTER TABLE renamed RENAME TO notes")
        cdc.wait_changes(100)
    cdc.verify()


def test_a_truncated_table_leaves_no_document(cdc: CdcTrial) -> None:
    with cdc.under_load(), cdc.database() as database:
        cdc.wait_changes(200)
        cdc.breaks(lambda: database.run("SELECT 1"))
    cdc.quiet()
    with cdc.database() as database:
        database.run("TRUNCATE notes")
    api = Api(cdc.stack.search_url)
    try:
        wait_until(
            lambda: not [one for one in api.documents() if one.document_id.startswith(f"{NAME}/") and not one.deleted],
            "no document of the table is left",
            60,
            cdc.cdc.processes,
        )
        with cdc.database() as database:
            cdc.wait_found(cdc.upsert(database, "after", "a row after the truncation"))
    finally:
        api.close()


def test_rows_that_come_back_behind_a_truncation_stay_though_other_documents_flow(cdc: CdcTrial) -> None:
    with closing(Api(cdc.stack.search_url)) as api:
        with cdc.database() as database, _other_documents(cdc):
            again = cdc.upsert(database, "again", "a row that is loaded anew")
            gone = cdc.upsert(database, "gone", "a row that is not")
            cdc.wait_found(again)
            cdc.wait_found(gone)
            database.run(
                """BEGIN; CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM notes WHERE body LIKE '%anew';
                   TRUNCATE notes; INSERT INTO notes SELECT * FROM kept; COMMIT"""
            )
            wait_until(
                lambda: api.living(gone.document_id) is None, "the row is gone", TRUNCATE_SECONDS, cdc.cdc.processes
            )
            wait_until(lambda: _taken(cdc), "the truncation is done", TRUNCATE_SECONDS, cdc.cdc.processes)
        cdc.quiet()
        found = api.living(again.document_id)
    assert found is not None
    assert found["metadata"]["seq"] == again.version


@contextmanager
def _other_documents(cdc: CdcTrial) -> Iterator[None]:
    """Somebody else's, so many that their readers are never at the end of a topic."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def send() -> None:
        try:
            with Publisher(cdc.lab.lab.kafka) as publisher:
                version = 0
                while not stop.wait(0.01):
                    version += 1
                    publisher.publish(f"others/{version % 100}", f"Number {version % 7}.", version=version)
        except FreshetError as error:
            failures.append(error)

    thread = threading.Thread(target=send, name="others", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not failures


def _taken(cdc: CdcTrial) -> bool:
    """Whether the producer has done all that the table's topic holds."""
    topic = Topic(cdc.lab.capture.topic("public.notes"), 1, 0)
    with closing(Offsets(cdc.lab.lab.kafka, GROUP)) as offsets:
        return not behind(offsets.ends(topic, 5), offsets.committed(topic, 5))
