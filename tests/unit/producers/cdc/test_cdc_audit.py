"""Whether the chunks in the index are those of a row's text, which nobody stores whole; and what the command says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from freshet.errors import UsageError
from producers.cdc.audit_command import app
from producers.cdc.comparison import covers


@pytest.mark.parametrize(
    ("chunks", "text", "expected"),
    [
        (["one two", "three"], "one two\n\nthree ", True),
        (["one two three", "three four"], "one two three four", True),
        ([], " \n", True),
        (["a a", "a a"], "a a a a", True),
        (["one", "three"], "one two three", False),
        (["one two"], "one two three", False),
        (["one two three"], "one two", False),
        (["two", "one"], "one two", False),
        (["tampered"], "one", False),
        ([], "one", False),
    ],
)
def test_chunks_cover_a_text_in_order_and_without_a_gap(chunks: list[str], text: str, expected: bool) -> None:
    assert covers(chunks, text) is expected


@given(st.text(alphabet="ab \n", max_size=60), st.integers(1, 9), st.integers(0, 4))
def test_any_cut_with_any_overlap_covers(text: str, size: int, overlap: int) -> None:
    bare = "".join(text.split())
    chunks = [bare[start : start + size + overlap] for start in range(0, len(bare), size)]
    assert covers(chunks, text)


def test_an_audit_of_nothing_says_how_to_capture(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["--state", str(tmp_path), "--url", "http://127.0.0.1:1"])
    assert (found.exit_code, found.output) == (0, "nothing is captured: freshet cdc add\n")


def test_an_endpoint_of_figures_needs_rounds(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["--state", str(tmp_path), "--metrics-port", "0"])
    assert isinstance(found.exception, UsageError)
    assert "--every" in str(found.exception)
