"""A scan in pages gives every head once, in an order that stays."""

from __future__ import annotations

import pytest

from freshet.ids import head_id
from freshet.store import Head, Progress, VectorStore
from tests.conformance.stores.material import chunk, put, remove


def paged(store: VectorStore, limit: int) -> list[Head]:
    heads: list[Head] = []
    while page := store.scan(heads[-1].document_id if heads else None, limit):
        heads += page
    return heads


def test_an_empty_store_has_no_heads(store: VectorStore) -> None:
    assert store.scan(None, 10) == []


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_every_head_comes_once_in_the_order_of_head_ids(store: VectorStore, limit: int) -> None:
    for number in range(7):
        put(store, chunk(f"live-{number}", 1), chunk(f"live-{number}", 1, 1))
    remove(store, "deleted", 2)
    store.write([], [Head("pending", -1, pending=Progress(1))], {})
    heads = paged(store, limit)
    assert [head_id(head.document_id) for head in heads] == sorted(head_id(head.document_id) for head in heads)
    assert {head.document_id: head.version for head in heads} == {
        **{f"live-{number}": 1 for number in range(7)},
        "deleted": 2,
        "pending": -1,
    }
    assert {head.document_id: head for head in heads} == store.heads([head.document_id for head in heads])


def test_a_page_may_start_behind_a_document_that_was_never_there(store: VectorStore) -> None:
    for number in range(5):
        put(store, chunk(f"d{number}", 1))
    behind = [f"d{number}" for number in range(5) if head_id(f"d{number}") > head_id("never")]
    assert {head.document_id for head in store.scan("never", 10)} == set(behind)
