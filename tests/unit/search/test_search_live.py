"""The event stream: what it tells, whom it refuses, whom it drops."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import psutil
import pytest

from freshet import http_server
from freshet.changes import Changes, Listener, WrittenBatch
from freshet.events import CANARY_SOURCE
from freshet.headers import SOURCE_COMMIT
from freshet.service import Resources
from freshet.stack.process import wait_until
from freshet.store import Head, VectorStore
from search import stream
from tests.unit.search.conftest import Serve, WordEmbedder

LIMIT = 3
CROWD, QUEUES = 10_000, 10
SECONDS = 10


@pytest.fixture
def tell() -> tuple[Changes, Listener]:
    changes = Changes()
    return changes, changes.writer()


@pytest.fixture
def live(
    serve: Serve,
    store: VectorStore,
    embedder: WordEmbedder,
    tell: tuple[Changes, Listener],
    monkeypatch: pytest.MonkeyPatch,
) -> httpx.Client:
    monkeypatch.setattr(http_server, "UNREAD_MS", 500)
    return serve(Resources(store, embedder, changes=tell[0]), max_streams=str(LIMIT))


def head(document_id: str, freshness_ms: int = 40, **fields: Any) -> Head:
    now = time.time_ns()
    return Head(document_id, 7, chunks=2, stamps={SOURCE_COMMIT: now - freshness_ms * 1_000_000}, **fields)


def batch(*heads: Head) -> WrittenBatch:
    now = time.time_ns()
    return WrittenBatch(len(heads), now - 3_000_000, now, heads)


def events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def changes_of(response: httpx.Response) -> Iterator[dict[str, Any]]:
    for name, data in events(response):
        if name == "changes":
            yield from data["changes"]


def test_a_change_arrives_as_it_becomes_searchable(live: httpx.Client, tell: tuple[Changes, Listener]) -> None:
    with live.stream("GET", "/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        seen = changes_of(response)
        tell[1](batch(head("a/1", 40), head("gone", deleted=True)))
        first, second = next(seen), next(seen)
    assert (first["id"], first["version"], first["chunks"], first["deleted"]) == ("a/1", 7, 2, False)
    assert 40 <= first["freshness_ms"] < 1_000
    assert (second["id"], second["deleted"]) == ("gone", True)


def test_a_page_that_opens_is_shown_what_was_before(live: httpx.Client, tell: tuple[Changes, Listener]) -> None:
    tell[1](batch(head("before")))
    with live.stream("GET", "/events") as response:
        assert next(changes_of(response))["id"] == "before"


def test_a_canary_is_not_among_the_changes(live: httpx.Client, tell: tuple[Changes, Listener]) -> None:
    with live.stream("GET", "/events") as response:
        tell[1](batch(head("bird", source=CANARY_SOURCE), head("real")))
        assert next(changes_of(response))["id"] == "real"


def test_of_more_than_fit_only_the_number_is_told(live: httpx.Client, tell: tuple[Changes, Listener]) -> None:
    with live.stream("GET", "/events") as response:
        seen = events(response)
        assert next(seen)[0] == "changes"
        tell[1](batch(*(head(f"many-{number}") for number in range(200))))
        data = next(one for one in seen if one[0] == "changes")[1]
    assert len(data["changes"]) == stream.RECENT
    assert data["skipped"] == 200 - stream.RECENT


def test_figures_come_with_what_is_wrong_where_kafka_is_away(live: httpx.Client) -> None:
    with live.stream("GET", "/events", timeout=30) as response:
        figures = next(data for name, data in events(response) if name == "figures")
    assert figures["rates"]["documents"] is None
    assert any("Kafka" in trouble for trouble in figures["troubles"])


def test_one_page_more_than_allowed_is_refused_until_one_leaves(live: httpx.Client) -> None:
    with ExitStack() as opened:
        for _ in range(LIMIT):
            response = opened.enter_context(live.stream("GET", "/events"))
            assert response.status_code == 200
        refused = live.get("/events")
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert "FRESHET_SEARCH_MAX_STREAMS" in refused.json()["remedy"]
        assert live.get("/search", params={"q": "still answered"}).status_code == 200

    def let_in() -> bool:
        with live.stream("GET", "/events") as response:
            return response.status_code == 200

    wait_until(let_in, "a page is let in again", SECONDS)


def test_of_ten_thousand_who_come_only_so_many_are_let_in_and_searches_go_on(live: httpx.Client) -> None:
    port = live.base_url.port
    assert port is not None

    def refusals(wanted: int) -> int:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as client:
            client.sendall(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n" * wanted)
            answers = b""
            while answers.count(b"HTTP/1.1 503 ") < wanted:
                more = client.recv(65_536)
                assert more, answers[-500:]
                answers += more
        return answers.count(b"\r\nretry-after: ")

    with ExitStack() as opened, ThreadPoolExecutor(QUEUES) as crowd:
        for _ in range(LIMIT):
            opened.enter_context(live.stream("GET", "/events"))
        told = crowd.map(refusals, [CROWD // QUEUES] * QUEUES)
        assert live.get("/search", params={"q": "answered meanwhile"}).status_code == 200
        assert sum(told) == CROWD
        assert open_pages(live) == LIMIT


def test_a_page_that_does_not_read_is_dropped_and_the_others_go_on(
    live: httpx.Client, tell: tuple[Changes, Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "QUEUE", 4)
    monkeypatch.setattr(stream, "PACE_SECONDS", 0.0)
    port = live.base_url.port
    assert port is not None
    big = "x" * 200_000
    with socket.create_connection(("127.0.0.1", port)) as slow, live.stream("GET", "/events") as quick:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.sendall(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert slow.recv(12) == b"HTTP/1.1 200"
        seen = changes_of(quick)
        told = 0

        def dropped() -> bool:
            nonlocal told
            told += 1
            tell[1](batch(head(f"big-{told}", source=big)))
            while next(seen)["id"] != f"big-{told}":
                pass
            return open_pages(live) == 1

        wait_until(dropped, "only the page that reads is left", SECONDS)
        if sys.platform == "linux":
            other = slow.getsockname()[1]
            wait_until(lambda: other not in peers(port), "the kernel has ended its connection", SECONDS)


def peers(port: int) -> set[int]:
    """The ports of the clients that this process has a connection with."""
    every = psutil.Process().net_connections("tcp")
    return {one.raddr.port for one in every if one.laddr.port == port and one.raddr}


def open_pages(client: httpx.Client) -> int:
    lines = client.get("/metrics").text.splitlines()
    return int(float(next(line for line in lines if line.startswith("freshet_live_clients ")).split()[1]))


def test_a_page_that_leaves_frees_its_place(live: httpx.Client) -> None:
    with live.stream("GET", "/events"):
        wait_until(lambda: open_pages(live) == 1, "the page is counted", SECONDS)
    wait_until(lambda: open_pages(live) == 0, "the page is gone", SECONDS)


def test_the_stream_needs_the_key(serve: Serve) -> None:
    client = serve(api_key="secret")
    assert client.get("/events").status_code == 401
    assert client.get("/dead-letters").status_code == 401
    with client.stream("GET", "/events", headers={"x-api-key": "secret"}) as response:
        assert response.status_code == 200


def test_the_server_stops_at_once_while_a_page_is_open(store: VectorStore, embedder: WordEmbedder) -> None:
    from freshet.settings import KafkaSettings, SearchSettings
    from search.service import SearchService

    service = SearchService(Resources(store, embedder), SearchSettings(port=0), KafkaSettings(bootstrap="127.0.0.1:1"))
    service.start()
    with httpx.stream("GET", f"http://127.0.0.1:{service.port}/events", timeout=SECONDS) as response:
        assert response.status_code == 200
        started = time.monotonic()
        service.stop()
        for _ in response.iter_lines():
            pass
    assert time.monotonic() - started < 4
