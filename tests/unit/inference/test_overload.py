"""More work than the model does: what waits, what is refused, what is not computed any more."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from freshet.stack.process import wait_until
from tests.unit.inference.conftest import Serve, Served, error_of
from tests.unit.inference.double import word_id

Later = Callable[..., "Future[httpx.Response]"]


@pytest.fixture
def later() -> Iterator[Later]:
    """Runs a call in a thread of its own."""
    pool = ThreadPoolExecutor(16)
    yield pool.submit
    pool.shutdown()


def waiting(served: Served, lane: str) -> float:
    text = served.client.get("/metrics").text
    name = f'freshet_inference_waiting_tokens{{lane="{lane}"}} '
    return float(next(line for line in text.splitlines() if line.startswith(name)).removeprefix(name))


def occupy(served: Served, later: Later) -> Future[httpx.Response]:
    """The one instance is busy from now until ``release``."""
    served.model.hold()
    busy = later(served.embed, "busy")
    assert served.model.entered.wait(10)
    return busy


def wait_for_tokens(served: Served, lane: str, tokens: int) -> None:
    wait_until(lambda: waiting(served, lane) == tokens, f"{tokens} tokens wait for {lane}", 10)


def test_above_the_bound_it_says_429_and_when_to_come_again(serve: Serve, later: Later) -> None:
    served = serve(max_waiting_tokens=10)
    busy = occupy(served, later)
    queued = later(served.embed, "a b c d e f")
    wait_for_tokens(served, "ingest", 8)
    refused = served.embed("one two three")
    assert error_of(refused)[:2] == (429, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    served.model.release()
    assert (busy.result().status_code, queued.result().status_code) == (200, 200)


def test_full_of_ingestion_it_takes_queries_and_computes_them_first(serve: Serve, later: Later) -> None:
    served = serve(max_waiting_tokens=10, batch_tokens=1)
    busy = occupy(served, later)
    ingestion = later(served.embed, "a b c d e f")
    wait_for_tokens(served, "ingest", 8)
    query = later(served.embed, "question", {"freshet-lane": "query"})
    wait_for_tokens(served, "query", 3)
    served.model.release()
    assert {each.result().status_code for each in (busy, ingestion, query)} == {200}
    assert [row[1] for row in served.model.computed] == [word_id("busy"), word_id("question"), word_id("a")]


def test_a_lane_can_be_named_in_the_address(serve: Serve, later: Later) -> None:
    served = serve(batch_tokens=1)
    occupy(served, later)
    body = {"model": "double", "input": "question"}
    later(served.client.post, "/v1/embeddings?lane=query", json=body)
    wait_for_tokens(served, "query", 3)
    served.model.release()


def test_what_is_too_late_is_answered_at_once_and_not_computed(serve: Serve, later: Later) -> None:
    served = serve()
    busy = occupy(served, later)
    assert served.error("late", {"freshet-timeout": "0.05"})[:2] == (504, "deadline_exceeded")
    served.model.release()
    assert busy.result().status_code == 200
    assert served.embed("after").status_code == 200
    assert [row[1] for row in served.model.computed] == [word_id("busy"), word_id("after")]


def test_who_has_gone_is_not_computed(serve: Serve, later: Later) -> None:
    served = serve()
    busy = occupy(served, later)
    body = b'{"model": "double", "input": "gone"}'
    head = b"POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    before = refused(served, "gone")
    with socket.create_connection(("127.0.0.1", served.service.port), timeout=10) as client:
        client.sendall(head % len(body) + body)
        wait_for_tokens(served, "ingest", 3)
    wait_until(lambda: refused(served, "gone") > before, "the server has seen that the client is gone", 10)
    served.model.release()
    assert busy.result().status_code == 200
    assert served.embed("after").status_code == 200
    assert [row[1] for row in served.model.computed] == [word_id("busy"), word_id("after")]


def refused(served: Served, reason: str) -> float:
    text = served.client.get("/metrics").text
    name = f'freshet_inference_refused_total{{reason="{reason}"}} '
    return next((float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)), 0.0)


def test_similar_words_answer_an_overload_only_where_that_is_allowed(
    serve: Serve, later: Later, tmp_path: Path
) -> None:
    served = serve(max_waiting_tokens=4, cache=tmp_path / "vectors.sqlite")
    known = served.embed("Hello, world")
    allowed = {"freshet-fallback": "cached"}
    normal = served.embed("hello world!!", allowed)
    assert "freshet-fallback" not in normal.headers, "without overload the text itself is computed"
    busy = occupy(served, later)
    queued = later(served.embed, "x y")
    wait_for_tokens(served, "ingest", 4)
    assert served.error("HELLO  world?")[:2] == (429, "overloaded")
    assert served.error(["HELLO  world?", "never seen"], allowed)[:2] == (429, "overloaded")
    assert served.error([1, 50, 2], allowed)[:2] == (429, "overloaded")
    answer = served.embed(["x y z", "HELLO  world?"], allowed)
    assert answer.status_code == 429
    answer = served.embed(["Hello, world", "HELLO  world?"], allowed)
    assert answer.status_code == 200
    assert answer.headers["freshet-fallback"] == "1"
    assert answer.headers["freshet-cache-hits"] == "1/2"
    vectors = [np.array(item["embedding"]) for item in answer.json()["data"]]
    np.testing.assert_array_equal(vectors[0], known.json()["data"][0]["embedding"])
    np.testing.assert_array_equal(vectors[1], normal.json()["data"][0]["embedding"])
    served.model.release()
    assert (busy.result().status_code, queued.result().status_code) == (200, 200)


def test_what_is_cached_needs_no_place_in_the_queue(serve: Serve, later: Later, tmp_path: Path) -> None:
    served = serve(max_waiting_tokens=4, cache=tmp_path / "vectors.sqlite")
    served.embed("known")
    busy = occupy(served, later)
    queued = later(served.embed, "x y")
    wait_for_tokens(served, "ingest", 4)
    assert served.embed("known").headers["freshet-cache-hits"] == "1/1"
    served.model.release()
    assert (busy.result().status_code, queued.result().status_code) == (200, 200)


def test_stopping_it_answers_what_has_arrived(serve: Serve, later: Later) -> None:
    served = serve(drain_seconds=10.0)
    busy = occupy(served, later)
    queued = later(served.embed, "a b")
    wait_for_tokens(served, "ingest", 4)
    stopping = threading.Thread(target=served.service.stop)
    stopping.start()
    wait_until(lambda: served.service.unready() != "", "it is stopping", 10)
    served.model.release()
    stopping.join(10)
    assert (busy.result().status_code, queued.result().status_code) == (200, 200)
