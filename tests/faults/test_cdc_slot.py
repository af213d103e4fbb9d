"""The slot: lost, it is seen, alarmed and repaired; idle, it does not hold the log."""

from __future__ import annotations

import httpx

from freshet.publishing import Publisher
from freshet.stack.process import wait_until
from producers.cdc.audit import Audit
from producers.cdc.condition import condition_of
from producers.cdc.database import Database
from producers.cdc.health import slot_health
from producers.cdc.index import Index
from producers.cdc.settings import CdcSettings
from producers.cdc.startup import start
from tests.faults.harness.cdc_trial import TABLE, CdcTrial

SECONDS = 60.0


def test_a_lost_slot_is_seen_alarmed_and_repaired(cdc: CdcTrial) -> None:
    capture = cdc.lab.capture
    with cdc.under_load(rate=30):
        cdc.wait_changes(100)
    with cdc.database() as database:
        kept = cdc.upsert(database, "kept", "this row stays")
        gone = cdc.upsert(database, "gone", "this row is deleted while nobody listens")
        cdc.quiet()
    with cdc.lab.lab.keeper.held():
        cdc.cdc.connect.stop()
        _limit(cdc, "1MB")
        with cdc.database() as database:
            cdc.breaks(lambda: _lose(database, capture.slot))
            cdc.delete(database, "gone")
            changed = cdc.upsert(database, "kept", "this row changed while nobody listened")
    condition = condition_of(capture, cdc.cdc.connect.url, cdc.lab.folder / "cdc")
    assert condition.slot is not None
    assert condition.slot.lost
    assert any("freshet cdc repair faults" in trouble for trouble in condition.troubles)
    wait_until(lambda: _metric(cdc, "freshet_cdc_slot_lost") == 1, "the metric says so", SECONDS)
    wait_until(lambda: _metric(cdc, "freshet_cdc_connector_running") == 0, "and that it does not run", SECONDS)

    with cdc.lab.lab.keeper.held():
        _limit(cdc, "4GB")
    wait_until(cdc.cdc.connect.ready, "connect is back", SECONDS)
    [warning] = _start_again(cdc)
    assert "freshet cdc repair faults" in warning
    cdc.lab.capture = cdc.lab.registration.repair("faults")
    cdc.wait_found(changed)
    assert changed.version > kept.version
    index = Index(cdc.stack.search_url)
    audit = Audit(cdc.lab.capture, index)
    found = audit.run(TABLE, texts=False)
    assert gone.document_id in found.examples["orphan"]
    with Publisher(cdc.lab.lab.kafka) as publisher:
        audit.run(TABLE, publisher, texts=False)
    assert audit.run(TABLE, texts=False).clean
    index.close()
    wait_until(lambda: _metric(cdc, "freshet_cdc_slot_lost") == 0, "the alarm ends", SECONDS)
    cdc.verify()


def test_a_busy_table_that_is_not_captured_does_not_make_the_slot_hold_log(cdc: CdcTrial) -> None:
    with cdc.database() as database:
        database.run("CREATE TABLE busy (id bigint, filler text)")
        cdc.quiet()
        before = slot_health(database, cdc.lab.capture)
        database.run("INSERT INTO busy SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 40000) AS n")
        database.run("CHECKPOINT")
        written = slot_health(database, cdc.lab.capture)
        assert written.behind_bytes > 30 << 20
        wait_until(
            lambda: slot_health(database, cdc.lab.capture).behind_bytes < 1 << 20,
            "the slot has moved behind what others wrote",
            SECONDS,
            cdc.cdc.processes,
        )
        assert before.wal_status == "reserved"
        database.run("DROP TABLE busy")


def _start_again(cdc: CdcTrial) -> list[str]:
    """What `freshet up` says of a capture that is there and lost: its repair needs the system that starts."""
    captures = cdc.lab.captures
    settings = CdcSettings(captures=captures.folder, state=captures.state, connect_url=cdc.cdc.connect.url)
    return start(cdc.postgres.url, "faults", lambda capture: capture, settings)


def _limit(cdc: CdcTrial, size: str) -> None:
    """What a slot may keep: on the server's command line, which only a start changes."""
    cdc.postgres.stop()
    cdc.postgres.limit_slots(size)
    cdc.postgres.start()
    cdc.postgres.wait_ready()


def _lose(database: Database, slot: str) -> None:
    """Write log until the server gives the slot up."""
    database.run("CREATE TABLE filler (body text)")
    for _ in range(40):
        database.run("INSERT INTO filler SELECT repeat(md5(n::text), 30) FROM generate_series(1, 10000) AS n")
        database.run("SELECT pg_switch_wal()")
        database.run("CHECKPOINT")
        if database.one(f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{slot}'") == "lost":
            break
    else:
        raise AssertionError("the slot was not lost")
    database.run("DROP TABLE filler")


def _metric(cdc: CdcTrial, name: str) -> float | None:
    try:
        text = httpx.get(f"http://127.0.0.1:{cdc.cdc.metrics_port}/metrics", timeout=5).text
    except httpx.HTTPError:
        return None
    wanted = f'{name}{{capture="faults"}} '
    return next((float(line.removeprefix(wanted)) for line in text.splitlines() if line.startswith(wanted)), None)
