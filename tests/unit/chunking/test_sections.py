from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshet.chunking import parts, sections
from freshet.chunking.parts import PART_BYTES
from freshet.chunking.sections import MAX_BYTES, MIN_BYTES

from .texts import docstrings, sources

PATHOLOGICAL = {
    "empty": "",
    "white space": " \n\t" * 5_000,
    "newlines": "\n" * 50_000,
    "one word of 1 MB": "x" * 1_000_000,
    "one line": "lorem ipsum dolor " * 20_000,
    "equal lines": "the same line again\n" * 5_000,
    "equal sentences": "Hello there. " * 8_000,
    "NUL": "a\0b\0\0" * 20_000,
    "only NUL": "\0" * 10_000,
    "CJK": "漢字仮名交じり文" * 5_000,
    "CJK sentences": "今日は天気がいい。明日はどうだろう。" * 2_000,
    "emoji": "👩‍👩‍👧‍👦🎉🇨🇭" * 3_000,
    "accents": "e\u0301\u0323\u0302" * 20_000,
    "lone surrogates": "\ud800 x\udfff\n" * 5_000,
    "carriage returns": "line\r\n\r\n" * 8_000,
    "long white space": "start" + " " * 20_000 + "end",
}

# Few kinds of character, so that boundaries, ties and long runs all come up often.
text_of_runs = st.lists(
    st.tuples(
        st.sampled_from(["a", "word ", "\n", "\n\n", ". ", "。", "漢", "🎉", " ", "\0", "Line of text.\n"]),
        st.integers(1, 400),
    ),
    max_size=30,
).map(lambda runs: "".join(piece * times for piece, times in runs))
varied_text = st.integers(0, 10_000).map(
    lambda seed: "".join(random.Random(seed).choices(["alpha ", "beta ", "gamma\n", "delta. ", "ε ", "\n\n"], k=3_000))
)
any_text = st.one_of(text_of_runs, varied_text, st.text(max_size=2_000))


def without_space(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("text", PATHOLOGICAL.values(), ids=PATHOLOGICAL.keys())
def test_pathological_texts_are_bounded_and_whole(text: str) -> None:
    check_sections(text)
    check_parts(text, [text])


@given(any_text)
@settings(max_examples=60, deadline=None)
def test_any_text_is_bounded_and_whole(text: str) -> None:
    check_sections(text)


@given(any_text, st.integers(1, 3_000))
@settings(max_examples=60, deadline=None)
def test_parts_have_the_sections_of_the_whole(text: str, piece: int) -> None:
    check_parts(text, [text[start : start + piece] for start in range(0, len(text), piece)])


def test_parts_of_real_sources_have_the_sections_of_the_whole() -> None:
    for text in sources()[:12]:
        check_parts(text, [text])


def test_sections_end_at_ends_of_paragraphs_where_there_are_any() -> None:
    text = "\n\n".join(docstrings()[:300])
    cut = list(sections(text))
    assert "".join(cut) == text
    assert sum(section.endswith("\n") for section in cut) / len(cut) > 0.95
    mean = len(text.encode()) / len(cut)
    assert 1.5 * MIN_BYTES < mean < 3 * MIN_BYTES


def test_a_short_text_is_one_part() -> None:
    assert list(parts(["Hel", "", "lo\n"])) == [("Hello\n", True)]


@pytest.mark.parametrize("pieces", [[], [""], ["", ""]])
def test_an_empty_text_is_one_empty_part(pieces: list[str]) -> None:
    assert list(parts(pieces)) == [("", True)]


def test_white_space_alone_is_one_part() -> None:
    ((text, last),) = parts([" " * 30_000])
    assert text.isspace()
    assert last


def test_parts_hold_little_at_a_time() -> None:
    given_out = 0

    def endless() -> Iterator[str]:
        nonlocal given_out
        while True:
            given_out += 1
            yield "word and word. " * 10

    taken = 0
    for part, last in parts(endless()):
        taken += len(part)
        assert not last
        assert given_out * 150 - taken < 3 * PART_BYTES
        if taken > 300_000:
            break


def check_sections(text: str) -> None:
    cut = list(sections(text))
    assert without_space("".join(cut)) == without_space(text)
    assert all(0 < len(section.encode("utf-8", "surrogatepass")) <= MAX_BYTES for section in cut)
    assert not any(section.isspace() for section in cut)
    assert cut == list(sections(text))


def check_parts(text: str, pieces: list[str]) -> None:
    cut = list(parts(pieces))
    assert [last for _, last in cut] == [False] * (len(cut) - 1) + [True]
    assert [section for part, _ in cut for section in sections(part)] == list(sections(text))
    assert all(len(part.encode("utf-8", "surrogatepass")) <= PART_BYTES for part, _ in cut)
    if len(cut) > 1:
        assert not any(not part or part.isspace() for part, _ in cut)
