from __future__ import annotations

from concurrent.futures import Future

import pytest

from producers.cdc.known import KnownContents
from producers.cdc.offsets import Offsets


def says(known: KnownContents, name: str, version: int, digest: bytes, *, whole: bool = True) -> bool:
    """Whether it is published."""
    if not known.is_news(name, version, digest, whole=whole):
        return False
    known.published(name, version, digest, whole=whole)
    return True


def test_without_the_row_before_the_same_content_is_known_by_what_was_published_last() -> None:
    known = KnownContents(10)
    assert says(known, "a", 1, b"x")
    assert not says(known, "a", 2, b"x")
    assert says(known, "a", 3, b"y")
    assert not says(known, "a", 1, b"x"), "an older version comes again after a crash"
    assert says(known, "a", 4, b"x"), "back to what it was: the index holds something else"
    known.deleted("a", 5)
    assert says(known, "a", 6, b"x")


def test_what_was_not_published_is_not_known() -> None:
    known = KnownContents(10)
    assert known.is_news("a", 1, b"x")
    assert known.is_news("a", 1, b"x"), "it was refused, and is sent again"


@pytest.mark.parametrize("then", [(True, True), (False, False)])
def test_a_whole_content_is_news_behind_a_completed_one(then: tuple[bool, bool]) -> None:
    whole, news = then
    known = KnownContents(10)
    assert says(known, "a", 1, b"x", whole=False)
    assert says(known, "a", 2, b"x", whole=whole) is news


def test_a_truncated_table_is_forgotten_and_its_older_changes_stay_old() -> None:
    known = KnownContents(10)
    says(known, "shop/public.a/1", 1, b"x")
    says(known, "shop/public.a/2", 9, b"x")
    says(known, "shop/public.b/1", 1, b"x")
    known.truncated("shop/public.a/", 5)
    assert not says(known, "shop/public.a/1", 4, b"x")
    assert says(known, "shop/public.a/1", 6, b"x")
    assert not says(known, "shop/public.a/2", 10, b"x"), "it came behind the truncation"
    assert not says(known, "shop/public.b/1", 2, b"x")


def test_what_is_known_is_bounded_also_of_what_was_deleted() -> None:
    known = KnownContents(2)
    for number in range(5):
        says(known, str(number), 1, b"x")
    assert says(known, "0", 2, b"x")
    for number in range(100):
        known.deleted(f"gone-{number}", 1)
    assert len(known) == 2
    nothing = KnownContents(0)
    assert says(nothing, "a", 1, b"x")
    assert says(nothing, "a", 2, b"x")


def test_what_is_done_behind_something_that_waits_for_long_takes_no_room() -> None:
    offsets = Offsets()
    slow = Future[None]()
    offsets.add("t", 0, 0, slow)
    for number in range(1, 1000):
        offsets.add("t", 0, number)
    (progress,) = offsets._partitions.values()
    assert len(progress.waiting) == 1
    assert offsets.unreported("t", 0) == [slow]
    assert offsets.committable() == []
    slow.set_result(None)
    assert [one.offset for one in offsets.committable()] == [1000]
