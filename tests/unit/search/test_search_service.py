from __future__ import annotations

import socket
import threading
from collections.abc import Sequence

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from freshet.errors import UnavailableError, UsageError
from freshet.service import Resources
from freshet.stack.process import wait_until
from freshet.store import Filter, Head, Hit, VectorStore
from search.service import create
from tests.unit.search.conftest import Serve, Shelf, WordEmbedder


class Down:
    """A store that does not answer."""

    def __init__(self, inner: VectorStore) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        raise UnavailableError("The store is away", "for a test", "wait")

    def search(self, vector: NDArray[np.float32], k: int, where: Filter | None = None) -> list[Hit]:
        raise UnavailableError("The store is away", "for a test", "wait")


class Slow(WordEmbedder):
    """Waits in ``embed`` until told."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if list(texts) == ["slow"]:
            self.entered.set()
            assert self.go_on.wait(20)
        return super().embed(texts)


def test_probes_status_and_metrics(client: httpx.Client, shelf: Shelf) -> None:
    shelf.put("a", "one two")
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    status = client.get("/status").json()
    assert status["model"] == {"name": "double", "revision": "r1", "dimension": 64, "max_tokens": 8}
    assert status["store"]["documents"] >= 1
    assert status["host"] == {"consumer": {"lag": 3}}
    client.get("/search?q=one")
    metrics = client.get("/metrics").text
    assert 'freshet_search_seconds_count{part="total"}' in metrics
    assert 'freshet_search_requests_total{status="200"}' in metrics
    openmetrics = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")


def test_a_store_that_is_away_is_503_and_not_ready(serve: Serve, store: VectorStore, embedder: WordEmbedder) -> None:
    client = serve(Resources(Down(store), embedder))  # type: ignore[arg-type]
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["error"]) == (503, "The store does not answer")
    found = client.get("/search?q=x")
    assert (found.status_code, found.json()["detail"]) == (503, "for a test")


def test_the_key_guards_content_and_not_the_probes(serve: Serve, shelf: Shelf) -> None:
    client = serve(api_key="sésame")
    for path in ("/search?q=x", "/documents/a", "/status"):
        for headers in ({}, {"X-API-Key": "wrong"}, {"X-API-Key": ""}):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401
            assert "X-API-Key" in answer.json()["remedy"]
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert client.get(path).status_code == 200
    assert client.get("/search?q=x", headers=[(b"X-API-Key", "sésame".encode())]).status_code == 200


def test_a_taken_port_says_how_to_choose_another(
    store: VectorStore, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("FRESHET_SEARCH_PORT", str(port))
        with pytest.raises(UsageError, match=f"Port {port}.*FRESHET_SEARCH_PORT"):
            create(Resources(store, embedder)).start()


def test_a_host_that_is_not_ours_is_a_usage_error(
    store: VectorStore, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRESHET_SEARCH_PORT", "0")
    monkeypatch.setenv("FRESHET_SEARCH_HOST", "192.0.2.1")
    with pytest.raises(UsageError, match="FRESHET_SEARCH_HOST"):
        create(Resources(store, embedder)).start()


def test_stop_answers_what_has_arrived(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHET_SEARCH_PORT", "0")
    slow = Slow()
    service = create(Resources(store, slow))
    service.start()
    answers: list[int] = []
    url = f"http://127.0.0.1:{service.port}"
    asking = threading.Thread(target=lambda: answers.append(httpx.get(f"{url}/search?q=slow", timeout=20).status_code))
    asking.start()
    assert slow.entered.wait(10)
    stopping = threading.Thread(target=service.stop)
    stopping.start()
    slow.go_on.set()
    stopping.join(20)
    asking.join(20)
    assert answers == [200]
    assert service.failure() is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")


def test_the_same_port_serves_again_at_once(
    store: VectorStore, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRESHET_SEARCH_PORT", "0")
    first = create(Resources(store, embedder))
    first.start()
    assert httpx.get(f"http://127.0.0.1:{first.port}/healthz").status_code == 200
    first.stop()
    monkeypatch.setenv("FRESHET_SEARCH_PORT", str(first.port))
    again = create(Resources(store, embedder))
    again.start()
    assert httpx.get(f"http://127.0.0.1:{first.port}/healthz").status_code == 200
    again.stop()


def test_an_answer_does_not_wait_for_an_ack(client: httpx.Client, shelf: Shelf) -> None:
    """With Nagle's algorithm on, every answer of two segments takes 40 ms: so one that takes less is proof."""
    shelf.put("a", "one two")
    wait_until(lambda: client.get("/search?q=one").elapsed.total_seconds() < 0.03, "an answer that did not wait", 60)


def test_concurrent_searches_all_get_answers(client: httpx.Client, shelf: Shelf) -> None:
    shelf.put("a", "one two")
    codes: list[int] = []

    def ask() -> None:
        codes.extend(client.get("/search?q=one").status_code for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert codes == [200] * 80
