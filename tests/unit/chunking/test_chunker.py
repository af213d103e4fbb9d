from __future__ import annotations

import pickle
import random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshet.chunking import Chunker, parts
from freshet.embedding.packaged import checked_tokenizer
from freshet.embedding.tokens import ModelTokens
from freshet.errors import UsageError
from freshet.ids import content_hash

from .test_sections import PATHOLOGICAL, any_text, without_space
from .texts import docstrings, edited, paragraphs

TOKENS = ModelTokens(checked_tokenizer())
CHUNKER = Chunker(TOKENS)
EXACT = Chunker(TOKENS, overlap=0)
VALID = {name: text for name, text in PATHOLOGICAL.items() if name != "lone surrogates"}


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_pathological_texts(text: str) -> None:
    check(text[:60_000])


@given(any_text)
@settings(max_examples=40, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


def check(text: str) -> None:
    exact = EXACT.chunks(text)
    assert "".join(map(without_space, exact)) == without_space(text)
    overlapping = CHUNKER.chunks(text)
    assert all(TOKENS.count(chunk) <= CHUNKER.capacity for chunk in exact + overlapping)
    assert all(chunk and not chunk.isspace() for chunk in overlapping)
    assert overlapping == CHUNKER.chunks(text)
    assert in_order(overlapping, text)


def in_order(chunks: list[str], text: str) -> bool:
    """Whether the chunks cover the text but for white space, each placed as far on as leaves no gap."""
    end = 0
    for chunk in chunks:
        reach = end + len(text[end:]) - len(text[end:].lstrip())
        found = text.rfind(chunk, 0, reach + len(chunk))
        if found < 0:
            return False
        end = found + len(chunk)
    return not text[end:].strip()


@given(st.text(max_size=600), st.integers(8, 40))
@settings(max_examples=40, deadline=None)
def test_small_capacities_hold_too(text: str, capacity: int) -> None:
    chunks = Chunker(TOKENS, capacity, capacity // 4).chunks(text)
    assert all(TOKENS.count(chunk) <= capacity for chunk in chunks)


def test_a_short_text_is_one_chunk_without_the_space_around_it() -> None:
    assert CHUNKER.chunks("  Two words.\n") == ["Two words."]


@pytest.mark.parametrize("text", ["", " ", "\n\n\t", "\u3000"])
def test_white_space_has_no_chunks(text: str) -> None:
    assert CHUNKER.chunks(text) == []


def test_chunks_do_not_depend_on_parts() -> None:
    text = "\n\n".join(docstrings()[:120])
    assert [chunk for part, _ in parts([text]) for chunk in CHUNKER.chunks(part)] == CHUNKER.chunks(text)


def test_neighbours_overlap_inside_a_section() -> None:
    first, second = CHUNKER.chunks(" ".join(f"word{index}" for index in range(140)))[:2]
    assert second.split()[0] in first.split()


@pytest.mark.parametrize(("capacity", "overlap"), [(0, 0), (10, 10), (10, -1)])
def test_impossible_sizes_are_refused(capacity: int, overlap: int) -> None:
    with pytest.raises(UsageError):
        Chunker(TOKENS, capacity, overlap)


def test_it_pickles() -> None:
    copy = pickle.loads(pickle.dumps(CHUNKER))
    text = docstrings()[0]
    assert copy.chunks(text) == CHUNKER.chunks(text)


@pytest.mark.parametrize("kind", ["wrapped", "unwrapped", "source"])
def test_an_edit_changes_few_chunks(kind: str) -> None:
    """One paragraph edited in a document of some 200 chunks: how many chunks are new, over random edits."""
    rng = random.Random(20)
    new: list[int] = []
    for _ in range(3):
        document = paragraphs(rng, kind, 115_000)
        before = hashes(document)
        assert len(before) > 170
        new += [len(hashes(edited(rng, document)) - before) for _ in range(40)]
    assert median(new) <= 2
    assert max(new) <= 6
    assert sum(count <= 3 for count in new) / len(new) >= 0.97


def hashes(document: list[str]) -> set[bytes]:
    """By part, as the pipeline does; a part seen before is not cut again, which makes the test fast."""
    return set().union(*(_part_hashes(part) for part, _ in parts(["\n\n".join(document)])))


_known: dict[str, set[bytes]] = {}


def _part_hashes(part: str) -> set[bytes]:
    if part not in _known:
        _known[part] = {content_hash(chunk) for chunk in CHUNKER.chunks(part)}
    return _known[part]
