from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import freshet.publishing
from freshet.cli import pairs
from freshet.cli.main import app
from freshet.cli.search import duration
from freshet.errors import UnavailableError
from freshet.publishing import Receipt

ANSWER = {
    "results": [
        {
            "id": "notes/[a].md", "text": "Returns are\nfree [x].", "score": 0.8123, "version": 1,
            "part": 0, "chunk": 2,
            "metadata": {}, "tenant": "", "source": "files", "indexed_at": None, "age_seconds": 12.0,
            "freshness_ms": 43.2, "traceparent": "",
        }
    ],
    "model": "m", "revision": "r", "took_ms": {"embed": 1.0, "store": 0.5, "total": 1.9},
}  # fmt: skip


class Api(BaseHTTPRequestHandler):
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        Api.asked.append((self.path, self.headers.get("X-API-Key")))
        problem = {"error": "The query is empty", "detail": "", "remedy": "say something"}
        body = json.dumps(problem if "q=&" in self.path else ANSWER).encode()
        self.send_response(400 if "q=&" in self.path else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    Api.asked = []
    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class FakePublisher:
    sent: list[tuple[str, str, dict[str, Any]]]

    def __init__(self, settings: Any, profile: str) -> None:
        FakePublisher.sent = []
        self.profile = profile

    def reach(self) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> FakePublisher:
        return self

    def __exit__(self, *_: object) -> None: ...

    def publish(self, id: str, text: Any, **fields: Any) -> Future[Receipt]:
        content = text if isinstance(text, str) else "".join(text)
        return self._done(id, "upsert", {"text": content, "profile": self.profile, **fields})

    def delete(self, id: str, version: int, **fields: Any) -> Future[Receipt]:
        return self._done(id, "delete", {"version": version, **fields})

    def _done(self, id: str, op: str, fields: dict[str, Any]) -> Future[Receipt]:
        FakePublisher.sent.append((id, op, fields))
        future: Future[Receipt] = Future()
        if id == "down":
            future.set_exception(UnavailableError("Kafka is away"))
        else:
            future.set_result(Receipt(id, fields["version"], 1, "documents", 2, 7))
        return future


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> type[FakePublisher]:
    monkeypatch.setattr(freshet.publishing, "Publisher", FakePublisher)
    monkeypatch.setenv("FRESHET_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    FakePublisher.sent = []
    return FakePublisher


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=given)


def test_search_passes_filters_and_key(url: str) -> None:
    result = run(
        "search", "free returns", "-k", "3", "--meta", "a=1", "--meta", "a=x=y", "--tenant", "t", "--url", url,
        "--api-key", "secret",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert Api.asked == [("/search?q=free+returns&k=3&meta.a=1&meta.a=x%3Dy&tenant=t", "secret")]
    assert "notes/[a].md" in result.stdout
    assert "Returns are free [x]." in result.stdout
    assert "changed 12 s ago, searchable after 43 ms" in result.stdout


def test_search_for_programs(url: str) -> None:
    assert json.loads(run("search", "x", "--url", url, "--json").stdout) == ANSWER


def test_search_shows_what_the_api_says(url: str) -> None:
    result = run("search", "", "--url", url)
    assert result.exit_code == 1
    assert "say something" in result.stderr


def test_search_without_an_answer() -> None:
    result = run("search", "x", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "does not answer" in result.stderr


def test_publish_a_text(publisher: type[FakePublisher]) -> None:
    result = run("publish", "n", "--text", "hi", "--metadata", "year=2024", "--metadata", "name=Ann", "--version", "3")
    assert result.exit_code == 0, result.output
    assert "version 3 is in documents, partition 2, offset 7" in result.stdout
    ((document, op, fields),) = publisher.sent
    assert (document, op, fields["text"], fields["metadata"]) == ("n", "upsert", "hi", {"year": 2024, "name": "Ann"})
    assert fields["profile"] == "low-latency"


def test_publish_a_file(publisher: type[FakePublisher], tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("späß\r\n".encode())
    assert run("publish", "n", "--file", str(file), "--profile", "durable").exit_code == 0
    assert publisher.sent[0][2]["text"] == "späß\r\n"
    assert publisher.sent[0][2]["profile"] == "durable"
    file.write_bytes(b"\xff\xff")
    refused = run("publish", "n", "--file", str(file))
    assert refused.exit_code == 1
    assert "not UTF-8" in refused.stderr


def test_publish_lines(publisher: type[FakePublisher]) -> None:
    lines = [
        '{"id": "a", "text": "one", "version": 5, "metadata": {"x": [1, 2]}, "tenant": "own"}',
        "",
        "{nope",
        '{"id": "b", "op": "delete", "version": 9}',
        '{"id": "c"}',
        '{"id": "d", "text": "t", "colour": 1}',
    ]
    result = run("publish", "-", "--tenant", "t", "--json", given="\n".join(lines))
    assert result.exit_code == 1
    outcome = json.loads(result.stdout)
    assert outcome["acknowledged"] == 2
    assert [number for number, _ in outcome["refused"]] == [3, 5, 6]
    assert [(document, op, fields["tenant"]) for document, op, fields in publisher.sent] == [
        ("a", "upsert", "own"),
        ("b", "delete", "t"),
    ]


def test_publish_lines_stops_when_kafka_is_away(publisher: type[FakePublisher]) -> None:
    result = run("publish", "-", given='{"id": "down", "text": "x"}\n')
    assert result.exit_code == 1
    assert "Kafka is away" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["n"],
        ["n", "--text", "x", "--file", __file__],
        ["-", "--text", "x"],
        ["n", "--text", "x", "--metadata", "novalue"],
        ["n", "--text", "x", "--profile", "fast"],
        ["n", "--text", "x", "--version", "-1"],
        ["n", "--file", "/nowhere"],
    ],
)
def test_publish_refuses_what_makes_no_sense(publisher: type[FakePublisher], arguments: list[str]) -> None:
    assert run("publish", *arguments).exit_code == 2
    assert publisher.sent == []


def test_delete(publisher: type[FakePublisher]) -> None:
    assert json.loads(run("delete", "n", "--version", "8", "--json").stdout)["version"] == 8
    assert run("delete", "n").exit_code == 0
    assert publisher.sent[0][:2] == ("n", "delete")


def test_metadata_values_are_json_or_text() -> None:
    given = ["a=1", "b=1.5", "c=true", "d=null", 'e=[1,"x"]', 'f="1"', "g=plain", "h={}", "i=", "j=a=b", "k=[[1]]"]
    assert pairs.metadata(given, "--metadata") == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": [1, "x"], "f": "1", "g": "plain", "h": "{}", "i": "", "j": "a=b",
        "k": "[[1]]",
    }  # fmt: skip


def test_durations() -> None:
    assert [duration(s) for s in (0.0432, 1, 119, 120, 7200, 200_000)] == [
        "43 ms",
        "1 s",
        "119 s",
        "2 min",
        "2 h",
        "2 d",
    ]
