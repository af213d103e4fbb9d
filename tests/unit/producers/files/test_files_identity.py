from __future__ import annotations

import os

from hypothesis import assume, given
from hypothesis import strategies as st

from freshet.ids import check_document_id
from producers.files.identity import document_id, readable_path

names = st.binary(min_size=1, max_size=700).map(os.fsdecode)


def test_a_plain_path_is_its_own_id() -> None:
    assert document_id("notes/Käse 100%.md") == "file:notes/Käse 100%.md"


def test_what_is_not_printable_is_escaped() -> None:
    assert readable_path("a\nb") == "a%0Ab"
    assert readable_path(os.fsdecode(b"\xff.txt")) == "%FF.txt"
    assert readable_path("a%0Ab") == "a%250Ab"
    assert readable_path("narrow\u202fblank") == "narrow%E2%80%AFblank"


@given(names)
def test_every_path_has_a_valid_id(path: str) -> None:
    check_document_id(document_id(path))


@given(names, names)
def test_two_paths_never_share_an_id(one: str, other: str) -> None:
    assume(one != other)
    assert document_id(one) != document_id(other)


def test_long_paths_stay_apart() -> None:
    assert document_id("a/" * 400 + "x") != document_id("a/" * 400 + "y")
