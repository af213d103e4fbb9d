"""The search loop against writers that get in between its two reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshet.events import CANARY_SOURCE
from freshet.store import Filter, Head
from freshet.store.visibility import Candidate, visible_hits


class Interleaved:
    """Documents whose writers advance by one step before each read, in a given order.

    A version of a document is two chunks; its steps are as the consumer's: chunk, chunk, head, sweep.
    """

    def __init__(self, schedule: Iterator[str]) -> None:
        self._schedule = schedule
        self.chunks: set[tuple[str, int, int]] = {(name, 0, number) for name in "ab" for number in (0, 1)}
        self.heads = dict.fromkeys("ab", 0)
        self._step = dict.fromkeys("ab", 0)

    def nearest(self, limit: int) -> list[Candidate]:
        self._advance()
        ranked = sorted(self.chunks)
        return [Candidate(*place[:2], 0, place[2], "", 1.0) for place in ranked][:limit]

    def read(self, names: Collection[str]) -> dict[str, Head]:
        self._advance()
        return {name: Head(name, self.heads[name]) for name in names}

    def _advance(self) -> None:
        for name in next(self._schedule, ""):
            version, step = self.heads[name] + 1, self._step[name]
            if step < 2:
                self.chunks.add((name, version, step))
            elif step == 2:
                self.heads[name] = version
            else:
                self.chunks = {place for place in self.chunks if place[0] != name or place[1] >= self.heads[name]}
            self._step[name] = (step + 1) % 4


@given(st.lists(st.text("ab", max_size=5), max_size=12))
def test_no_interleaving_loses_tears_or_ages_a_document(steps: list[str]) -> None:
    store = Interleaved(iter(steps))
    before = dict(store.heads)
    hits = visible_hits(store.nearest, store.read, 10, still=False)
    for name in "ab":
        versions = {hit.version for hit in hits if hit.document_id == name}
        assert len(versions) == 1
        assert min(versions) >= before[name]


def test_a_head_that_moves_between_the_reads_is_followed() -> None:
    store = Interleaved(iter(["", "aaaa"]))
    assert {hit.version for hit in visible_hits(store.nearest, store.read, 2, still=False)} <= {0, 1}
    assert {hit.document_id for hit in visible_hits(store.nearest, store.read, 10, still=False)} == {"a", "b"}


def test_more_are_fetched_until_enough_are_visible() -> None:
    limits = []

    def nearest(limit: int) -> list[Candidate]:
        limits.append(limit)
        return [Candidate("old", number, 0, 0, "", 1.0) for number in range(100)][:limit] + (
            [Candidate("new", 1, 0, 0, "", 0.5)] if limit > 100 else []
        )

    heads = {"old": Head("old", 1_000), "new": Head("new", 1)}
    hits = visible_hits(nearest, lambda _: heads, 1, still=True)
    assert [hit.document_id for hit in hits] == ["new"]
    assert limits == sorted(limits)


def test_a_document_that_never_rests_does_not_hold_the_search_forever() -> None:
    version = 0

    def heads(names: Collection[str]) -> dict[str, Head]:
        nonlocal version
        version += 1
        return {name: Head(name, version) for name in names}

    assert visible_hits(lambda _: [Candidate("a", 0, 0, 0, "", 1.0)], heads, 5, still=False) == []


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        (None, ["real"]),
        (Filter(source="files"), ["real"]),
        (Filter(source=CANARY_SOURCE), ["real", "bird"]),
    ],
)
def test_a_canary_is_shown_only_to_who_asks_for_its_source(where: Filter | None, shown: list[str]) -> None:
    """The store's own filter is not part of this: it would leave out the other."""
    heads = {"bird": Head("bird", 1, source=CANARY_SOURCE), "real": Head("real", 1)}
    near = [Candidate("real", 1, 0, 0, "", 1.0), Candidate("bird", 1, 0, 0, "", 0.9)]
    found = visible_hits(lambda limit: near[:limit], lambda _: heads, 5, still=True, where=where)
    assert [hit.document_id for hit in found] == shown


def test_canaries_before_the_others_take_no_place() -> None:
    names = [f"bird-{number}" for number in range(40)]
    heads = {name: Head(name, 1, source=CANARY_SOURCE) for name in names} | {"real": Head("real", 1)}
    near = [Candidate(name, 1, 0, 0, "", 0.9) for name in names] + [Candidate("real", 1, 0, 0, "", 0.1)]
    found = visible_hits(lambda limit: near[:limit], lambda _: heads, 3, still=True)
    assert [hit.document_id for hit in found] == ["real"]
