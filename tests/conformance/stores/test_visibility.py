"""A search shows the live version of each document, whole and alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from freshet.store import Progress, VectorStore
from freshet.store.protocol import state_token
from tests.conformance.stores.material import chunk, found, head, put, remove, toward

HUGE = 2**62
"""Beyond 2**53, where float64 takes neighbours for equals."""


def test_an_empty_collection_answers_with_nothing(store: VectorStore) -> None:
    assert store.search(toward(0), 5) == []
    assert store.heads(["a"]) == {}
    assert store.heads([]) == {}
    assert store.document("a") is None


def test_what_was_written_is_found_at_once_nearest_first(store: VectorStore) -> None:
    put(store, chunk("far", 1, angle=1.0))
    put(store, chunk("near", 1, angle=0.1))
    hits = store.search(toward(0), 2)
    assert [hit.document_id for hit in hits] == ["near", "far"]
    assert hits[0].score == pytest.approx(0.995, abs=1e-3)
    assert hits[0].text == "near v1 #0"
    assert hits[0].head.version == 1


def test_k_larger_than_the_count_gives_all(store: VectorStore) -> None:
    put(store, chunk("a", 1), chunk("a", 1, 1))
    assert len(found(store, k=1_000)) == 2
    assert found(store, k=1) in ([("a", 1, 0)], [("a", 1, 1)])
    assert store.search(toward(0), 0) == []


def test_chunks_without_a_head_are_not_seen(store: VectorStore) -> None:
    store.write([chunk("a", 1)], [], {})
    assert found(store) == []


def test_a_newer_version_beside_the_old_is_not_seen_before_its_head(store: VectorStore) -> None:
    put(store, chunk("a", 1))
    store.write([chunk("a", 2)], [], {})
    assert found(store) == [("a", 1, 0)]
    store.write([], [head("a", 2)], {})
    assert found(store) == [("a", 2, 0)]


def test_unswept_versions_do_not_crowd_out_others(store: VectorStore) -> None:
    for version in range(1, 60):
        store.write([chunk("a", version)], [head("a", version)], {})
    put(store, chunk("b", 1, angle=1.2))
    assert found(store, k=2) == [("a", 59, 0), ("b", 1, 0)]


def test_a_deleted_document_is_gone_and_no_late_event_brings_it_back(store: VectorStore) -> None:
    put(store, chunk("a", 1))
    remove(store, "a", 3)
    assert found(store) == []
    put(store, chunk("a", 2))
    assert found(store) == []
    assert store.heads(["a"])["a"].deleted
    assert store.document("a") == (store.heads(["a"])["a"], [])
    put(store, chunk("a", 4))
    assert found(store) == [("a", 4, 0)]


def test_a_delete_before_any_upsert_leaves_its_trace(store: VectorStore) -> None:
    remove(store, "a", 7)
    put(store, chunk("a", 6))
    assert found(store) == []
    assert store.heads(["a"])["a"].version == 7


@pytest.mark.parametrize("base", [10, HUGE])
def test_versions_out_of_order(store: VectorStore, base: int) -> None:
    for version in (base + 2, base, base + 3, base + 1):
        put(store, chunk("a", version))
    assert found(store) == [("a", base + 3, 0)]


@pytest.mark.parametrize("base", [10, 2**32 - 1, HUGE])
def test_a_sweep_takes_the_versions_below_and_no_other(store: VectorStore, base: int) -> None:
    store.write([chunk("a", base + step) for step in range(4)], [head("a", base + 2)], {"a": base + 2})
    assert found(store) == [("a", base + 2, 0)]
    assert store.stats().chunks == 2
    store.write([], [head("a", base + 3)], {"a": base + 3})
    assert found(store) == [("a", base + 3, 0)]
    assert store.stats().chunks == 1


def test_a_sweep_leaves_other_documents_and_their_heads_alone(store: VectorStore) -> None:
    put(store, chunk("a", 1))
    put(store, chunk("b", 1))
    store.write([], [], {"a": 99, "never-seen": 99})
    assert found(store) == [("b", 1, 0)]
    assert set(store.heads(["a", "b", "never-seen"])) == {"a", "b"}


def test_several_documents_in_one_write(store: VectorStore) -> None:
    put(store, chunk("old", 1))
    chunks = [chunk(f"d{number}", 1, angle=number / 50) for number in range(30)]
    store.write(chunks, [head(c.document_id, 1) for c in chunks] + [head("old", 2, 0, True)], {"old": 2})
    assert [name for name, _, _ in found(store, k=30)] == [f"d{number}" for number in range(30)]


def test_two_heads_of_one_document_in_one_write(store: VectorStore) -> None:
    store.write([chunk("a", 1), chunk("a", 2)], [head("a", 2), head("a", 1)], {"a": 2})
    assert found(store) == [("a", 2, 0)]


def test_a_write_of_nothing_is_allowed(store: VectorStore) -> None:
    store.write([], [], {})


def test_a_replay_changes_nothing(store: VectorStore) -> None:
    def replay() -> None:
        put(store, chunk("a", 1), chunk("a", 1, 1))
        put(store, chunk("b", 5))
        put(store, chunk("a", 2))
        remove(store, "b", 6)

    replay()
    before = found(store), store.heads(["a", "b"]), store.stats()
    replay()
    after = found(store), store.heads(["a", "b"]), store.stats()
    assert after[0] == before[0] == [("a", 2, 0)]
    assert after[1] == before[1]
    assert (after[2].documents, after[2].tombstones) == (1, 1)


def test_a_document_comes_back_in_order_with_its_vectors(store: VectorStore) -> None:
    put(store, *[chunk("a", HUGE, number, angle=number / 10) for number in (2, 0, 1)])
    store.write([chunk("a", HUGE + 1)], [], {})
    document = store.document("a")
    assert document is not None
    head_found, chunks = document
    assert head_found.version == HUGE
    assert [point.chunk for point in chunks] == [0, 1, 2]
    assert chunks[1].vector == pytest.approx(toward(0.1), abs=1e-6)
    assert chunks[1].vector.dtype == "float32"


def test_stats_count_documents_tombstones_and_unswept_chunks(store: VectorStore) -> None:
    put(store, chunk("a", 1), chunk("a", 1, 1))
    put(store, chunk("b", 1))
    remove(store, "b", 2)
    store.write([chunk("c", 1)], [head("c", -1)], {})
    stats = store.stats()
    assert (stats.documents, stats.tombstones, stats.chunks) == (1, 1, 3)
    assert stats.indexed <= stats.chunks


def test_a_head_replaces_only_the_one_that_it_was_made_from(store: VectorStore) -> None:
    read = head("a", 1, pending=Progress(3, partial={0: (3, 1)}))
    store.write([], [read], {})
    newer = head("a", 1, pending=Progress(3, partial={0: (3, 3)}))
    store.write([], [replace(newer, replaces=state_token(read))], {})
    assert store.heads(["a"]) == {"a": newer}
    late = head("a", 2, pending=Progress(3, partial={0: (3, 5)}))
    store.write([], [replace(late, replaces=state_token(read))], {})
    assert store.heads(["a"]) == {"a": newer}, "the late one knows nothing of the chunk noted meanwhile"


def test_a_head_made_from_none_replaces_none_and_one_made_from_another_needs_it(store: VectorStore) -> None:
    store.write([], [replace(head("a", 2), replaces=state_token(head("a", 1)))], {})
    assert store.heads(["a"]) == {}, "what it was made from is gone, as after a power loss"
    store.write([], [replace(head("a", 2), replaces="")], {})
    store.write([], [replace(head("a", 3), replaces="")], {})
    assert store.heads(["a"])["a"].version == 2


def test_a_matching_head_of_a_lower_version_is_refused_all_the_same(store: VectorStore) -> None:
    store.write([], [head("a", 5)], {})
    store.write([], [replace(head("a", 4), replaces=state_token(head("a", 5)))], {})
    assert store.heads(["a"])["a"].version == 5
