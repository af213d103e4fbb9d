"""What is wrong is told in OpenAI's shape, with the right status, and by its index."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest

from tests.unit.inference.conftest import Serve, Served, error_of


@pytest.mark.parametrize(
    ("texts", "code", "param"),
    [
        (None, "missing_input", "input"),
        ("", "empty_item", "input"),
        (" \n", "empty_item", "input"),
        (7, "invalid_input", "input"),
        ({"text": "a"}, "invalid_input", "input"),
        ([], "empty_input", "input"),
        (["fine", ""], "empty_item", "input[1]"),
        (["fine", None], "invalid_item", "input[1]"),
        (["fine", 3], "invalid_item", "input[1]"),
        (["fine", ["a"]], "invalid_item", "input[1]"),
        ([True], "invalid_item", "input[0]"),
        ([None], "invalid_item", "input[0]"),
        ([1, 5, "a"], "invalid_item", "input"),
        ([1, 5, 2.5], "invalid_item", "input"),
        ([[1, 5, 2], []], "empty_item", "input[1]"),
        ([[1, 5, 2], "a"], "invalid_item", "input[1]"),
        ([[1, 5, 2], [1, 100]], "invalid_token", "input[1]"),
        ([[1, 5, 2], [-1]], "invalid_token", "input[1]"),
        ([1, 10**30], "invalid_token", "input"),
        (["fine", "word " * 40], "context_length_exceeded", "input[1]"),
        ([3] * 40, "context_length_exceeded", "input"),
        ("a" * 1_000_000, "item_too_large", "input"),
        (["a", "ü" * 20_000], "item_too_large", "input[1]"),
    ],
)
def test_bad_items_are_named(served: Served, texts: Any, code: str, param: str) -> None:
    assert served.error(texts) == (400, code, param)
    assert served.model.computed == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model": "gpt-4"}, (404, "model_not_found", "model")),
        ({"model": "double@r2"}, (404, "model_not_found", "model")),
        ({"model": None}, (400, "missing_model", "model")),
        ({"model": 5}, (400, "missing_model", "model")),
        ({"encoding_format": "hex"}, (400, "invalid_encoding_format", "encoding_format")),
        ({"dimensions": 0}, (400, "invalid_dimensions", "dimensions")),
        ({"dimensions": True}, (400, "invalid_dimensions", "dimensions")),
        ({"dimensions": 9}, (400, "invalid_dimensions", "dimensions")),
        ({"dimensions": 4}, (400, "invalid_dimensions", "dimensions")),
    ],
)
def test_bad_fields_are_named(served: Served, fields: dict[str, Any], expected: tuple[int, str, str]) -> None:
    body = {"model": "double", "input": "fine", **fields}
    assert error_of(served.client.post("/v1/embeddings", json=body)) == expected


def test_ten_thousand_items_are_too_many_by_default_and_can_be_allowed(serve: Serve) -> None:
    assert serve().error(["a"] * 10_000) == (400, "too_many_items", "input")
    assert len(serve(max_items=10_000).embed(["a"] * 10_000).json()["data"]) == 10_000


def test_tokens_of_a_request_are_bounded(serve: Serve) -> None:
    assert serve(max_request_tokens=5).error(["a", "b"]) == (400, "too_many_tokens", "input")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b'"text"', "invalid_json"),
        (b'{"model": "double", "input": NaN}', "invalid_json"),
        (b'{"model": "double", "input": "a"} {}', "invalid_json"),
        (b'{"model": "double", "input": "\xff\xfe"}', "invalid_utf8"),
        (b'{"model": "double", "input": "\\ud800"}', "invalid_json"),
        (b'{"model": "double", "input": ' + b"[" * 100_000, "invalid_json"),
    ],
)
def test_what_is_not_json_is_refused(served: Served, body: bytes, code: str) -> None:
    answer = served.client.post("/v1/embeddings", content=body, headers={"content-type": "application/json"})
    assert error_of(answer)[:2] == (400, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_refused(served: Served, kind: str) -> None:
    answer = served.client.post("/v1/embeddings", content=b'{"model": "double"}', headers={"content-type": kind})
    assert error_of(answer)[:2] == (415, "unsupported_media_type")


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_too_large_is_refused(serve: Serve, declared: bool) -> None:
    served = serve(max_body_bytes=2_000)
    body = json.dumps({"model": "double", "input": "a" * 3_000}).encode()
    content: Any = body if declared else iter([body[:1_500], body[1_500:]])
    answer = served.client.post("/v1/embeddings", content=content, headers={"content-type": "application/json"})
    assert error_of(answer)[:2] == (413, "request_too_large")


def head(length: int) -> bytes:
    return (
        b"POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n" % length
    )


def test_a_body_that_stalls_is_given_up(serve: Serve) -> None:
    served = serve(body_seconds=0.1)
    with socket.create_connection(("127.0.0.1", served.service.port), timeout=10) as slow:
        slow.sendall(head(100) + b'{"model"')
        assert slow.recv(4_096).startswith(b"HTTP/1.1 408")
    assert served.embed("others go on").status_code == 200


def test_a_body_cut_off_harms_no_one(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.service.port), timeout=10) as half:
        half.sendall(head(100) + b'{"model"')
    assert served.embed("others go on").status_code == 200


def test_who_reads_slowly_delays_no_one(serve: Serve) -> None:
    served = serve(max_items=10_000)
    body = json.dumps({"model": "double", "input": ["a"] * 10_000}).encode()
    with socket.create_connection(("127.0.0.1", served.service.port), timeout=10) as slow:
        slow.sendall(head(len(body)) + body)
        assert slow.recv(5) == b"HTTP/"
        assert served.embed("others go on").status_code == 200


def test_nan_of_the_model_names_its_item_and_spares_other_requests(served: Served) -> None:
    assert served.error(["fine", "also", "nan here"]) == (500, "bad_vector", "input[2]")
    assert served.embed("nan here").headers["x-should-retry"] == "false", "it would be the same again"
    assert served.embed(["fine", "also"]).status_code == 200


def test_a_model_that_crashes_answers_500_and_the_instance_lives(served: Served) -> None:
    assert served.error("crash")[:2] == (500, "model_failed")
    assert served.embed("fine").status_code == 200
    assert served.client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"freshet-lane": "fast"}, "invalid_lane"),
        ({"freshet-timeout": "soon"}, "invalid_timeout"),
        ({"freshet-timeout": "0"}, "invalid_timeout"),
        ({"freshet-timeout": "nan"}, "invalid_timeout"),
        ({"freshet-fallback": "yes"}, "invalid_fallback"),
    ],
)
def test_bad_headers_are_named(served: Served, headers: dict[str, str], code: str) -> None:
    assert served.error("fine", headers)[:2] == (400, code)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/embeddings", 405), ("GET", "/v2", 404)])
def test_other_addresses_have_the_same_shape(served: Served, method: str, path: str, status: int) -> None:
    assert error_of(served.client.request(method, path))[0] == status


def test_the_key_is_asked_for_where_one_is_set(serve: Serve) -> None:
    served = serve(api_key="secret")
    assert served.error("fine")[:2] == (401, "invalid_api_key")
    assert served.error("fine", {"authorization": "Bearer other"})[:2] == (401, "invalid_api_key")
    assert served.embed("fine", {"authorization": "Bearer secret"}).status_code == 200
    assert error_of(served.client.get("/v1/models"))[0] == 401
    assert served.client.get("/healthz").status_code == 200


def test_a_client_may_be_in_the_middle_of_anything_when_it_fails(served: Served) -> None:
    """Half a request line, then nothing: the connection is the client's own loss."""
    with socket.create_connection(("127.0.0.1", served.service.port), timeout=10) as broken:
        broken.sendall(b"POST /v1/emb")
    assert httpx.get(f"http://127.0.0.1:{served.service.port}/healthz").status_code == 200
