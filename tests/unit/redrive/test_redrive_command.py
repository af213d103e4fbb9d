from __future__ import annotations

import json
from collections.abc import Collection, Iterator

import pytest
from typer.testing import CliRunner, Result

import freshet.dead_letter_log
from consumers.redrive import readable
from freshet.cli.main import app
from freshet.codec import encode_embedding
from freshet.dead_letter_log import StoredLetter
from freshet.events import EmbeddingRecord
from tests.unit.redrive.conftest import FakeProducer, stored

LETTERS = [
    stored(0, redriven=True),
    stored(2, reason="text-too-long", detail="300 [tokens]"),
    stored(3, stage="files", topic="", reason="unreadable"),
    stored(5, redrives=5),
    stored(7),
]


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch, producer: type[FakeProducer]) -> None:
    def chosen(kafka: object, places: Collection[tuple[int, int]]) -> Iterator[StoredLetter]:
        return (one for one in LETTERS if one.place in places)

    monkeypatch.setattr(freshet.dead_letter_log, "letters", lambda kafka: LETTERS)
    monkeypatch.setattr(freshet.dead_letter_log, "chosen", chosen)
    monkeypatch.setenv("FRESHET_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, ["dead-letters", *arguments], input=given)


def offsets(*arguments: str) -> list[int]:
    result = run("list", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [one["offset"] for one in json.loads(result.stdout)]


def test_the_list_is_newest_first_without_what_was_sent_back() -> None:
    assert offsets() == [7, 5, 3, 2]
    assert offsets("--limit", "2") == [7, 5]
    assert offsets("--reason", "text-too-long") == [2]
    assert offsets("--redriven") == [7, 5, 3, 2, 0]
    shown = run("list", "--redriven").stdout
    assert "300 [tokens]" in shown
    assert "(sent back)" in shown


def test_an_empty_list_says_so() -> None:
    assert run("list", "--reason", "none").stdout == "No dead letters with reason none.\n"


def test_one_is_shown_whole() -> None:
    result = run("show", "2")
    assert result.exit_code == 0
    assert "documents/1/102" in result.stdout
    assert "v2" in result.stdout
    assert run("show", "99").exit_code == 1


def test_redrive_by_offset_asks_first(producer: type[FakeProducer]) -> None:
    assert run("redrive", "2", "7", given="n\n").exit_code == 1
    assert producer.sent == []
    result = run("redrive", "2", "7", given="y\n")
    assert result.exit_code == 0
    assert result.stdout.endswith("2 letters sent back.\n")
    assert [key for topic, key, *_ in producer.sent if topic == "documents"] == [b"k2", b"k7"]


def test_redrive_says_what_stays_and_why() -> None:
    result = run("redrive", "3", "5", "7", "99", "--yes")
    assert result.exit_code == 1
    assert result.stdout == "1 letter sent back, 3 stayed.\n"
    for text in ("save it again", "after 5 redrives", "99 is no dead letter"):
        assert text in result.stderr


def test_redrive_all_leaves_what_was_sent_back() -> None:
    result = run("redrive", "--all", "--yes", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"redriven": 2, "refused": 2, "absent": 0}


@pytest.mark.parametrize("arguments", [[], ["--all", "2"], ["--all", "--reason", "x"]])
def test_redrive_wants_exactly_one_choice(arguments: list[str]) -> None:
    assert run("redrive", *arguments).exit_code == 2


def test_values_are_shown_as_readable_as_they_are() -> None:
    assert readable(None) == "(none)"
    assert readable(b'{"a":[1]}').splitlines()[1].strip() == '"a": ['
    assert readable("späß".encode()) == "späß"
    assert readable(b"\xff\xfe") == "fffe"
    record = encode_embedding(EmbeddingRecord(id="x", op="upsert", version=1, text="hello", vector=b"\0" * 16))
    assert '"text": "hello"' in readable(record)
