from __future__ import annotations

import httpx
import pytest

from freshet.store import Head, Progress, VectorStore
from tests.unit.search.conftest import Shelf


@pytest.mark.parametrize("document_id", ["plain", "a/b/c.md", "/abs", "späß ?&#%.txt", "http://x/y", "trailing/"])
def test_a_document_is_shown_whole(client: httpx.Client, shelf: Shelf, document_id: str) -> None:
    shelf.put(document_id, "first words", "second words", version=9, metadata={"n": 1}, tenant="t", source="files")
    answer = client.get(
        "/documents/"
        + httpx.QueryParams({"x": document_id})["x"].replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["id"], body["version"], body["metadata"], body["tenant"]) == (document_id, 9, {"n": 1}, "t")
    assert [chunk["text"] for chunk in body["chunks"]] == ["first words", "second words"]
    hops = {"source_to_published": 2.0, "published_to_embedded": 5.0, "embedded_to_upserted": 5.5, "total": 12.5}
    assert body["hops_ms"] == hops
    assert body["stamps"]["source-commit"] == "2023-11-14T22:13:20.000000Z"
    assert body["pending_version"] is None


def test_what_was_never_there_is_404(client: httpx.Client) -> None:
    for path in ("/documents/nothing", "/documents/"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, "No such document")


def test_what_was_deleted_is_410_with_its_version(client: httpx.Client, shelf: Shelf) -> None:
    shelf.put("gone", "words")
    shelf.delete("gone", 12)
    answer = client.get("/documents/gone")
    assert answer.status_code == 410
    assert "version 12" in answer.json()["detail"]
    assert answer.json()["version"] == 12


def test_what_is_not_complete_yet_is_404_and_says_so(client: httpx.Client, store: VectorStore) -> None:
    store.write([], [Head("half", -1, pending=Progress(4))], {})
    answer = client.get("/documents/half")
    assert answer.status_code == 404
    assert "version 4 is being written" in answer.json()["detail"]


def test_all_documents_are_listed_in_pages_with_the_deleted_and_the_unfinished(
    client: httpx.Client, shelf: Shelf, store: VectorStore
) -> None:
    shelf.put("listed", "first words", "second words", version=9, metadata={"n": 1}, tenant="t", source="files")
    shelf.delete("listed-deleted", 4)
    store.write([], [Head("listed-pending", -1, pending=Progress(3))], {})
    found: dict[str, dict[str, object]] = {}
    after: str | None = None
    while True:
        page = client.get("/documents", params={"limit": 2, **({"after": after} if after else {})}).json()
        found |= {one["id"]: one for one in page["documents"]}
        if (after := page["next"]) is None:
            break
    assert found["listed"] == {
        "id": "listed",
        "version": 9,
        "deleted": False,
        "chunks": 2,
        "pending_version": None,
        "tenant": "t",
        "source": "files",
        "metadata": {"n": 1},
    }
    assert (found["listed-deleted"]["deleted"], found["listed-deleted"]["version"]) == (True, 4)
    assert (found["listed-pending"]["version"], found["listed-pending"]["pending_version"]) == (None, 3)
    assert client.get("/documents", params={"limit": 0}).status_code == 400
