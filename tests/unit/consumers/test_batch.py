"""What one batch asks of the store: the invariants of versions, under any order, repetition and batching."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.batch import Arrival, Write, plan
from freshet import headers
from freshet.events import EmbeddingRecord
from freshet.ids import chunk_id
from freshet.store import ChunkPoint, Head

VECTOR = np.full(4, 0.5, dtype="<f4").tobytes()
NOW = 1_700_000_000_000_000_000


def upsert(document_id: str, version: int, parts: Sequence[int] = (1,)) -> list[Arrival]:
    """All records of one version; ``parts`` are the numbers of chunks."""
    return [
        Arrival(
            EmbeddingRecord(
                id=document_id, op="upsert", version=version, part=part, last=part == len(parts) - 1,
                chunk=chunk, chunks=chunks, text=f"{document_id}@{version}", vector=VECTOR if chunks else b"",
            ),
            {headers.SOURCE_COMMIT: b"1", headers.TRACEPARENT: b"00-aa-bb-01"},
        )
        for part, chunks in enumerate(parts)
        for chunk in range(max(1, chunks))
    ]  # fmt: skip


def delete(document_id: str, version: int) -> Arrival:
    return Arrival(EmbeddingRecord(id=document_id, op="delete", version=version), {})


@dataclass
class Applied:
    """The meaning of a write, as the protocol of the store states it."""

    heads: dict[str, Head] = field(default_factory=dict)
    points: dict[str, ChunkPoint] = field(default_factory=dict)

    def run(self, arrivals: Sequence[Arrival]) -> Write:
        write = plan(arrivals, self.heads, NOW)
        for point in write.chunks:
            self.points[chunk_id(point.document_id, point.version, point.part, point.chunk)] = point
        for head in write.heads:
            assert head.version >= self.heads.get(head.document_id, head).version
            self.heads[head.document_id] = head
        self.points = {
            key: point for key, point in self.points.items() if point.version >= write.sweep.get(point.document_id, -1)
        }
        return write

    def visible(self) -> Mapping[str, tuple[int, int]]:
        """Version and number of points found, of each document that is not deleted."""
        return {
            name: (head.version, sum(p.document_id == name and p.version == head.version for p in self.points.values()))
            for name, head in self.heads.items()
            if head.version >= 0 and not head.deleted
        }


Change = tuple[str, int, tuple[int, ...] | None]
"""Document, version, and the chunks of its parts, or None for a delete."""


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, dict[int, tuple[int, ...] | None]], list[list[Arrival]]]:
    """Changes of a few documents, all their records in any order with repetitions, cut into batches."""
    truth: dict[str, dict[int, tuple[int, ...] | None]] = {}
    records: list[Arrival] = []
    for name in draw(st.sets(st.sampled_from("abc"), min_size=1)):
        for version in draw(st.sets(st.integers(0, 5), min_size=1, max_size=4)):
            parts = draw(st.none() | st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple))
            truth.setdefault(name, {})[version] = parts
            records += [delete(name, version)] if parts is None else upsert(name, version, parts)
    shuffled = draw(st.permutations(records))
    again = draw(st.lists(st.sampled_from(records), max_size=6))
    stream = [*shuffled, *again]
    cuts = sorted(draw(st.sets(st.integers(1, len(stream)), max_size=5)) | {0, len(stream)})
    return truth, [stream[start:end] for start, end in itertools.pairwise(cuts)]


@given(histories())
def test_the_highest_version_wins_whole_whatever_the_order(
    case: tuple[dict[str, dict[int, tuple[int, ...] | None]], list[list[Arrival]]],
) -> None:
    truth, batches = case
    store = Applied()
    for batch in batches:
        store.run(batch)
    expected = {
        name: (max(versions), sum(versions[max(versions)] or ()))
        for name, versions in truth.items()
        if versions[max(versions)] is not None
    }
    assert store.visible() == expected
    assert len(store.points) == sum(count for _, count in expected.values()), "no point of an old version is left"


@given(histories())
def test_replaying_everything_changes_nothing(
    case: tuple[dict[str, dict[int, tuple[int, ...] | None]], list[list[Arrival]]],
) -> None:
    _, batches = case
    store = Applied()
    for batch in batches:
        store.run(batch)
    before = dict(store.heads), dict(store.points)
    for batch in batches:
        write = store.run(batch)
        assert not write.chunks
        assert not write.heads
    assert (store.heads, store.points) == before


@pytest.mark.parametrize("again", [*upsert("a", 2, (1,)), delete("a", 2)])
def test_what_a_crash_left_between_a_head_and_its_sweep_goes_when_the_record_comes_again(again: Arrival) -> None:
    store = Applied()
    store.run(upsert("a", 1, (2,)))
    left = dict(store.points)
    store.run([again])
    store.points |= left
    store.run([again])
    assert not store.points.keys() & left.keys()


@given(histories())
def test_a_version_never_goes_back_on_the_way(
    case: tuple[dict[str, dict[int, tuple[int, ...] | None]], list[list[Arrival]]],
) -> None:
    _, batches = case
    store = Applied()
    before: dict[str, int] = {}
    for batch in batches:
        store.run(batch)
        for name, head in store.heads.items():
            assert head.version >= before.get(name, -1)
            before[name] = head.version
            found = sum(p.document_id == name and p.version == head.version for p in store.points.values())
            assert found == head.chunks, "what is visible is whole"


def test_a_late_upsert_does_not_resurrect_a_deleted_document() -> None:
    store = Applied()
    store.run(upsert("a", 1))
    store.run([delete("a", 3)])
    assert store.run(upsert("a", 2)).outcomes == {"stale": 1}
    assert store.visible() == {}
    store.run(upsert("a", 4))
    assert store.visible() == {"a": (4, 1)}


def test_a_delete_of_a_document_never_seen_leaves_its_trace() -> None:
    store = Applied()
    assert store.run([delete("a", 5)]).sweep == {}
    assert store.run(upsert("a", 4)).outcomes == {"stale": 1}


def test_several_versions_in_one_batch_write_only_the_last() -> None:
    write = Applied().run([*upsert("a", 1), *upsert("a", 2), *upsert("a", 3)])
    assert [point.version for point in write.chunks] == [3]
    assert [head.version for head in write.heads] == [3]


def test_the_old_version_stays_visible_until_the_new_one_is_whole() -> None:
    store = Applied()
    store.run(upsert("a", 1, (2,)))
    *begun, final = upsert("a", 2, (2, 2))
    store.run(begun)
    assert store.visible() == {"a": (1, 2)}
    write = store.run([final])
    assert store.visible() == {"a": (2, 4)}
    assert write.sweep == {"a": 2}


def test_an_empty_document_is_found_by_id_with_no_chunks() -> None:
    store = Applied()
    store.run(upsert("a", 1, (0,)))
    assert store.visible() == {"a": (1, 0)}


def test_a_new_document_of_one_record_needs_no_sweep() -> None:
    assert Applied().run(upsert("a", 1)).sweep == {}


def test_the_head_carries_stamps_and_trace() -> None:
    head = Applied().run(upsert("a", 1)).finished[0]
    assert head.stamps == {headers.SOURCE_COMMIT: 1, headers.UPSERTED: NOW}
    assert head.traceparent == "00-aa-bb-01"
