"""The checker names each kind of violation, and none where there is none."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from tests.faults.harness.checker import Kind, ObservedChunk, ObservedDocument, check, check_vectors
from tests.faults.harness.ledger import Change, Ledger


def change(version: int, op: Literal["upsert", "delete"] = "upsert") -> Change:
    return Change("a", version, op, f"one {version}|two {version}" if op == "upsert" else "")


def shown(version: int, *texts: str) -> ObservedDocument:
    return ObservedDocument(
        version, False, [ObservedChunk(version, 0, number, text) for number, text in enumerate(texts)]
    )


def whole(version: int) -> ObservedDocument:
    return shown(version, f"one {version}", f"two {version}")


DELETED = ObservedDocument(2, True)


def kinds(
    acknowledged: list[Change],
    seen: ObservedDocument | None,
    unknown: tuple[Change, ...] = (),
    dead: tuple[tuple[str, int], ...] = (),
) -> list[Kind]:
    ledger = Ledger()
    for one in (*acknowledged, *unknown):
        ledger.sent(one)
    for one in acknowledged:
        ledger.acknowledged(one)
    observed = {} if seen is None else {"a": seen}
    return [finding.kind for finding in check(ledger.expectations(), observed, dead, lambda text: text.split("|"))]


def test_the_newest_acknowledged_version_is_right() -> None:
    assert kinds([change(2), change(1)], whole(2)) == []


def test_a_version_without_a_report_may_be_there_or_not() -> None:
    assert kinds([change(1)], whole(2), unknown=(change(2),)) == []
    assert kinds([change(1)], whole(1), unknown=(change(2),)) == []


def test_a_deleted_document_may_be_a_tombstone_or_gone() -> None:
    assert kinds([change(1), change(2, "delete")], DELETED) == []
    assert kinds([change(1), change(2, "delete")], None) == []


def test_a_dead_letter_leaves_the_version_before_it() -> None:
    assert kinds([change(1), change(2)], whole(1), dead=(("a", 2),)) == []
    assert kinds([change(2)], None, dead=(("a", 2),)) == []


@pytest.mark.parametrize(
    ("sent", "seen", "dead", "kind"),
    [
        ([change(1)], None, (), Kind.LOST),
        ([change(2, "delete"), change(3)], DELETED, (), Kind.LOST),
        ([change(1), change(2)], whole(1), (), Kind.STALE),
        ([change(1), change(2, "delete")], whole(1), (), Kind.GHOST),
        ([change(1), change(2, "delete")], whole(2), (), Kind.GHOST),
        ([change(1)], whole(9), (), Kind.GHOST),
        ([change(1)], shown(1, "one 1"), (), Kind.TORN),
        ([change(1)], shown(1, "two 1", "one 1"), (), Kind.TORN),
        ([change(1)], whole(1), (("a", 1),), Kind.TWICE),
    ],
)
def test_each_violation_is_named(
    sent: list[Change], seen: ObservedDocument | None, dead: tuple[tuple[str, int], ...], kind: Kind
) -> None:
    assert kind in kinds(sent, seen, dead=dead)


def test_chunks_of_two_versions_are_torn_and_a_second_point_is_a_duplicate() -> None:
    mixed = ObservedDocument(2, False, (ObservedChunk(2, 0, 0, "one 2"), ObservedChunk(1, 0, 1, "two 1")))
    assert kinds([change(1), change(2)], mixed) == [Kind.TORN]
    doubled = ObservedDocument(1, False, (*whole(1).chunks, ObservedChunk(1, 0, 1, "two 1")))
    assert kinds([change(1)], doubled) == [Kind.DUP]


def test_what_was_never_sent_is_a_ghost() -> None:
    assert [finding.kind for finding in check({}, {"b": whole(1)}, (), str.split)] == [Kind.GHOST]


def test_a_vector_of_another_text_is_wrong() -> None:
    vectors = {"x": np.array([1, 0], np.float32), "y": np.array([0, 1], np.float32)}

    def seen(vector: str) -> dict[str, ObservedDocument]:
        return {"a": ObservedDocument(1, False, [ObservedChunk(1, 0, 0, "x", vectors[vector])])}

    assert check_vectors(seen("x"), lambda texts: [vectors[text] for text in texts]) == []
    (finding,) = check_vectors(seen("y"), lambda texts: [vectors[text] for text in texts])
    assert finding.kind is Kind.WRONG_VECTOR


def test_one_version_has_one_content() -> None:
    ledger = Ledger()
    ledger.sent(change(1))
    with pytest.raises(ValueError, match="another version 1"):
        ledger.sent(Change("a", 1, "upsert", "different"))
