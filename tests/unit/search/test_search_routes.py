from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.search.conftest import Serve, Shelf


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [result["id"] for result in answer.json()["results"]]


def test_a_result_carries_its_freshness(client: httpx.Client, shelf: Shelf) -> None:
    shelf.put(
        "notes/returns.md", "return an item", metadata={"language": "en"}, tenant="acme", source="files", version=7
    )
    answer = client.get("/search", params={"q": "return item"}).json()
    result = answer["results"][0]
    assert result["score"] > 0.5
    assert result["age_seconds"] > 1e6
    expected = {
        "id": "notes/returns.md",
        "text": "return an item",
        "version": 7,
        "part": 0,
        "chunk": 0,
        "metadata": {"language": "en"},
        "tenant": "acme",
        "source": "files",
        "indexed_at": "2023-11-14T22:13:20.012500Z",
        "freshness_ms": 12.5,
        "traceparent": "00-aa-bb-01",
    }
    assert {name: result[name] for name in expected} == expected
    assert (answer["model"], answer["revision"]) == ("double", "r1")
    assert answer["took_ms"]["total"] >= answer["took_ms"]["embed"] >= 0


def test_without_stamps_there_is_no_freshness(client: httpx.Client, shelf: Shelf) -> None:
    shelf.put("unstamped", "dateless", stamps={})
    result = client.get("/search?q=dateless").json()["results"][0]
    assert (result["indexed_at"], result["age_seconds"], result["freshness_ms"]) == (None, None, None)


@pytest.fixture
def library(shelf: Shelf) -> Shelf:
    shelf.put("en", "shelf words", metadata={"speech": "en", "year": 2024}, tenant="shelf-a", source="files")
    shelf.put("de", "shelf words", metadata={"speech": "de", "year": 2025, "public": True}, tenant="shelf-a")
    shelf.put("fr", "shelf words", metadata={"speech": "fr", "tags": ["a", "b"]}, tenant="shelf-b", source="files")
    return shelf


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("&meta.speech=en", {"en"}),
        ("&meta.speech=en&meta.speech=de", {"en", "de"}),
        ("&meta.year=2024", {"en"}),
        ("&meta.public=true", {"de"}),
        ("&meta.tags=b", {"fr"}),
        ("&meta.speech=en&meta.year=2025", set()),
        ("&tenant=shelf-a", {"en", "de"}),
        ("&source=files&tenant=shelf-b", {"fr"}),
        ("&tenant=nobody", set()),
        ("&min_score=1.5", set()),
    ],
)
def test_an_address_filters(client: httpx.Client, library: Shelf, parameters: str, expected: set[str]) -> None:
    assert set(ids(client.get(f"/search?q=shelf{parameters}"))) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"filter": {"metadata": {"year": 2024}}}, {"en"}),
        ({"filter": {"metadata": {"year": "2024"}}}, set()),
        ({"filter": {"metadata": {"speech": ["de", "fr"]}, "tenant": "shelf-a"}}, {"de"}),
        ({"filter": {"source": "files"}, "k": 1}, {"en"}),
    ],
)
def test_a_body_keeps_types(client: httpx.Client, library: Shelf, body: dict[str, Any], expected: set[str]) -> None:
    found = set(ids(client.post("/search", json={"query": "shelf words", **body})))
    assert found <= {"en", "fr"} if body.get("k") == 1 else found == expected


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/search", "q: Field required"),
        ("/search?q=", "The query is empty"),
        ("/search?q=%20%0A", "The query is empty"),
        ("/search?q=x&k=0", "1 to 100"),
        ("/search?q=x&k=101", "1 to 100"),
        ("/search?q=x&k=ten", "k: "),
        ("/search?q=x&limit=5", "limit"),
        ("/search?q=x&meta.=5", "meta."),
        ("/search?q=x&min_score=nan", "min_score"),
        ("/search?q=" + "w%20" * 7, "9 tokens, the model takes 8"),
        ("/search?q=" + "w" * 40_000, "32768"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(client: httpx.Client, path: str, says: str) -> None:
    refused(client.get(path), 400, says)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{nope", "JSON"),
        (b"[]", "valid"),
        (b'{"query": "x", "metadata": {}}', "metadata"),
        (b'{"query": "x", "filter": {"metadata": {"a": {"b": 1}}}}', "'a' must be a string, a number"),
        (b'{"query": "x", "filter": {"metadata": {"a": [[1]]}}}', "'a' must be"),
        (b'{"query": "x", "k": -1}', "1 to 100"),
        (b'{"query": 5}', "query"),
        (b'{"query": "\\ud800"}', ""),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(client: httpx.Client, body: bytes, says: str) -> None:
    refused(client.post("/search", content=body, headers={"content-type": "application/json"}), 400, says)


def test_a_body_of_another_type_or_size_is_refused(client: httpx.Client) -> None:
    refused(client.post("/search", data={"query": "x"}), 400, "content-type: application/json")
    refused(client.post("/search", content=b"x" * 300_000, headers={"content-type": "application/json"}), 413, "262144")


def test_errors_of_the_framework_have_the_same_shape(client: httpx.Client) -> None:
    refused(client.get("/nowhere"), 404, "/docs")
    refused(client.delete("/search"), 405, "Method")


def test_max_k_is_a_setting(serve: Serve, shelf: Shelf) -> None:
    client = serve(max_k="2")
    refused(client.get("/search?q=x&k=3"), 400, "1 to 2")


def test_the_docs_describe_the_api(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    assert {"/search", "/documents/{document_id}", "/status", "/healthz", "/readyz", "/metrics"} <= set(schema["paths"])
    result = schema["components"]["schemas"]["SearchResult"]["properties"]
    assert {"id", "score", "freshness_ms", "traceparent"} <= set(result)
    assert client.get("/docs").status_code == 200


def refused(answer: httpx.Response, status: int, says: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "detail", "remedy"}
    assert says in " ".join(body.values())
