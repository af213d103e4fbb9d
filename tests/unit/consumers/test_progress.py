"""Knowing when a version is whole, whatever the order of its chunks."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from consumers import progress
from freshet.store import Progress

Piece = tuple[int, int, int, bool]


def pieces_of(parts: list[int]) -> list[Piece]:
    """(part, chunk, chunks, last) of a version whose parts have these many chunks; 0 is a part without text."""
    last = len(parts) - 1
    return [(part, chunk, chunks, part == last) for part, chunks in enumerate(parts) for chunk in range(max(1, chunks))]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[int], list[Piece]]:
    parts = draw(st.lists(st.integers(0, 5), min_size=1, max_size=6))
    pieces = draw(st.permutations(pieces_of(parts)))
    again = draw(st.lists(st.sampled_from(pieces), max_size=5))
    return parts, [*pieces, *again]


@given(arrivals())
def test_complete_exactly_when_every_piece_has_arrived_in_any_order(case: tuple[list[int], list[Piece]]) -> None:
    parts, pieces = case
    state = Progress(1)
    missing = set(pieces_of(parts))
    for piece in pieces:
        after = progress.add(state, *piece)
        assert (after is None) == (piece not in missing), "None marks a piece that was there already"
        missing.discard(piece)
        state = after or state
        assert progress.complete(state) == (not missing)
    assert state.chunks == sum(parts)
    assert state.partial == {}


@given(st.sets(st.integers(0, 30)))
def test_ranges_stay_sorted_disjoint_and_joined(numbers: set[int]) -> None:
    ranges: progress.Ranges = ()
    for number in numbers:
        ranges = progress.insert(ranges, number)
    assert {number for start, end in ranges for number in range(start, end)} == numbers
    assert all(left[1] < right[0] for left, right in itertools.pairwise(ranges))
    assert all(progress.holds(ranges, number) for number in numbers)
