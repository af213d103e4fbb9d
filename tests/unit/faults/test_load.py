"""A load depends on its seed alone, and its poison is poison."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from freshet.codec import decode_document
from freshet.errors import RejectedRecord
from tests.faults.harness.journal import Journal, read_journal
from tests.faults.harness.ledger import Change, Ledger
from tests.faults.harness.plan import Plan, steps
from tests.faults.harness.poison import KINDS, Poison, poison


def first(plan: Plan, count: int = 2_000) -> list[Change | Poison]:
    return list(islice(steps(plan), count))


@pytest.mark.parametrize("plan", [Plan("p", 7), Plan("p", 7, copies=3, window=50, skew_ns=10**12, poison=0.01)])
def test_the_same_seed_leads_to_the_same_series(plan: Plan) -> None:
    assert first(plan) == first(plan)


def test_another_seed_leads_to_another() -> None:
    assert first(Plan("p", 7), 50) != first(Plan("p", 8), 50)


def test_each_version_has_one_content_and_versions_grow() -> None:
    newest: dict[str, int] = {}
    for change in first(Plan("p", 7)):
        assert isinstance(change, Change)
        assert change.version > newest.get(change.document_id, 0)
        newest[change.document_id] = change.version


def test_it_inserts_updates_deletes_and_brings_back() -> None:
    seen: set[tuple[str | None, str]] = set()
    last: dict[str, str] = {}
    for change in first(Plan("p", 7)):
        assert isinstance(change, Change)
        seen.add((last.get(change.document_id), change.op))
        last[change.document_id] = change.op
    assert seen == {(None, "upsert"), ("upsert", "upsert"), ("upsert", "delete"), ("delete", "upsert")}


def test_some_documents_are_hot() -> None:
    ids = [change.document_id for change in first(Plan("p", 7, documents=100)) if isinstance(change, Change)]
    hot = {f"p/doc-{number}" for number in range(10)}
    assert sum(one in hot for one in ids) > len(ids) / 2


def test_shuffling_keeps_every_copy_and_disorders_versions() -> None:
    ordered = first(Plan("p", 7, copies=2), 400)
    shuffled = first(Plan("p", 7, copies=2, window=200), 400)
    assert shuffled != ordered
    assert len(set(shuffled)) == 200


def test_skewed_clocks_give_later_changes_lower_versions() -> None:
    versions = [change.version for change in first(Plan("p", 7, skew_ns=10**12), 100) if isinstance(change, Change)]
    assert versions != sorted(versions)
    assert len(set(versions)) == 100


def test_there_are_twenty_kinds_of_poison() -> None:
    assert len(KINDS) == 20


@pytest.mark.parametrize("number", range(20))
def test_each_kind_is_refused_for_its_reason(number: int) -> None:
    one = poison(number, "p")
    with pytest.raises(RejectedRecord) as caught:
        decode_document(one.value, one.key)
    assert caught.value.reason == one.reason


def test_a_journal_reads_as_the_ledger_it_stands_for(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    changes = [Change("a", 1, "upsert", "one\ntwo"), Change("a", 2, "delete"), Change("b", 3, "upsert", "three")]
    for change in changes:
        journal.sent(change)
    journal.acknowledged(changes[0])
    with (tmp_path / "journal").open("a") as file:
        file.write('["acknowledged", "b"')  # the process died within the line
    ledger = Ledger()
    read_journal(tmp_path / "journal", ledger)
    expected = ledger.expectations()
    assert (expected["a"].acknowledged, expected["a"].unknown) == ((changes[0],), (changes[1],))
    assert expected["b"].unknown == (changes[2],)
