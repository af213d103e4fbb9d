"""The search API as the faults see it: down is an answer too."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx

from tests.faults.harness.checker import ObservedChunk, ObservedDocument

TIMEOUT_SECONDS = 10.0
PAGE = 1_000


class Down(Exception):
    """No answer, or status 503."""


class Hit(NamedTuple):
    document_id: str
    version: int
    part: int
    chunk: int
    score: float


class Listed(NamedTuple):
    """A head: ``version`` is -1 while none is complete, ``pending`` is None unless one is on its way."""

    document_id: str
    version: int
    deleted: bool
    chunks: int
    pending: int | None
    source: str


class Api:
    """Not for several threads. Every method blocks for one request or more, and raises Down."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def search(self, text: str, k: int = 10, **parameters: str) -> list[Hit]:
        """``parameters`` as the address takes them, for example source=… or {"meta.doc": …}."""
        answer = self._get("/search", {"q": text, "k": k, **parameters})
        answer.raise_for_status()
        return [
            Hit(one["id"], one["version"], one["part"], one["chunk"], one["score"]) for one in answer.json()["results"]
        ]

    def document(self, document_id: str) -> ObservedDocument | None:
        """None where the id was never seen, or no version of it was ever complete."""
        answer = self._document(document_id)
        if answer.status_code == 404:
            return None
        if answer.status_code == 410:
            return ObservedDocument(answer.json()["version"], True)
        body = answer.raise_for_status().json()
        return ObservedDocument(body["version"], False, observed_chunks(body, body["version"]))

    def living(self, document_id: str) -> dict[str, Any] | None:
        """All that is said of it; None where it was deleted or never seen."""
        answer = self._document(document_id)
        if answer.status_code in (404, 410):
            return None
        body: dict[str, Any] = answer.raise_for_status().json()
        return body

    def documents(self) -> Iterator[Listed]:
        """Every head of the store."""
        after: str | None = None
        while True:
            page = self._get("/documents", {"limit": PAGE, **({} if after is None else {"after": after})})
            body = page.raise_for_status().json()
            for one in body["documents"]:
                version = -1 if one["version"] is None else one["version"]
                yield Listed(one["id"], version, one["deleted"], one["chunks"], one["pending_version"], one["source"])
            if (after := body["next"]) is None:
                return

    def stored_chunks(self) -> int:
        """Chunk points in the store, visible or not."""
        count: int = self._get("/status", {}).raise_for_status().json()["store"]["chunks"]
        return count

    def close(self) -> None:
        self._http.close()

    def _document(self, document_id: str) -> httpx.Response:
        return self._get(f"/documents/{urllib.parse.quote(document_id)}", {})

    def _get(self, path: str, parameters: dict[str, Any]) -> httpx.Response:
        try:
            answer = self._http.get(path, params=parameters)
        except httpx.HTTPError as error:
            raise Down(repr(error)) from error
        if answer.status_code == 503:
            raise Down(answer.text)
        return answer


def observed_chunks(document: Mapping[str, Any], version: int) -> list[ObservedChunk]:
    """Of a document as the API says it."""
    return [ObservedChunk(version, one["part"], one["chunk"], one["text"]) for one in document["chunks"]]
