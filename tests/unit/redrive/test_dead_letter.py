from __future__ import annotations

from freshet.dead_letters import MAX_DETAIL_CHARS, DeadLetter, marked_place, marker_headers

HEADERS = (("traceparent", b"00-a"), ("twice", b"1"), ("twice", b"2"), ("empty", None))


def letter(**changes: object) -> DeadLetter:
    fields = {
        "key": b"\xff",
        "value": b"{nope",
        "stage": "job",
        "reason": "not-json",
        "detail": "at byte 1 – ü",
        "topic": "documents",
        "partition": 2,
        "offset": 2**40,
        "attempts": 3,
        "model": "abc123",
        "headers": HEADERS,
        **changes,
    }
    return DeadLetter(**fields)  # type: ignore[arg-type]


def test_a_record_comes_back_as_it_was() -> None:
    for one in (letter(), letter(key=None, value=None, headers=()), letter(topic="", partition=-1, offset=-1)):
        assert DeadLetter.from_record(one.key, one.value, one.to_headers()) == one


def test_a_second_failure_replaces_what_the_first_said() -> None:
    again = letter(headers=tuple(letter().to_headers()), reason="other")
    assert [name for name, _ in again.to_headers()].count("freshet-dead-reason") == 1
    assert DeadLetter.from_record(again.key, again.value, again.to_headers()).headers == HEADERS


def test_garbled_headers_never_raise() -> None:
    headers = [("freshet-dead-offset", b"x"), ("freshet-dead-partition", b"9" * 30), ("freshet-dead-reason", b"\xff")]
    read = DeadLetter.from_record(None, None, headers)
    assert (read.offset, read.partition, read.reason, read.attempts) == (-1, -1, "�", 0)
    assert not DeadLetter.from_record(b"k", b"v", None).can_be_redriven


def test_a_long_detail_is_cut() -> None:
    long = letter(detail="x" * 5_000)
    assert len(DeadLetter.from_record(b"", b"", long.to_headers()).detail) == MAX_DETAIL_CHARS


def test_a_redrive_counts_and_keeps_the_original_headers() -> None:
    once = letter().redrive_headers()
    assert once == [*HEADERS, ("freshet-redrives", b"1")]
    twice = letter(headers=tuple(once)).redrive_headers()
    assert twice == [*HEADERS, ("freshet-redrives", b"2")]


def test_only_records_can_be_redriven() -> None:
    assert letter().can_be_redriven
    assert not letter(stage="files").can_be_redriven
    assert not letter(topic="").can_be_redriven


def test_a_marker_names_its_letter() -> None:
    assert marked_place(marker_headers(3, 17)) == (3, 17)
    assert marked_place(letter().to_headers()) is None
    assert marked_place(None) is None
    assert marked_place([("freshet-dead-redriven", b"3/x")]) is None
