"""The index as the search API shows it: which documents of a table are there."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from freshet.errors import UnavailableError

PAGE: Final = 1_000
_GONE: Final = (404, 410)


@dataclass(frozen=True, slots=True)
class Indexed:
    """``version`` is None while none is complete."""

    id: str
    version: int | None
    deleted: bool
    metadata: dict[str, Any]
    tenant: str


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """``chunks`` are their texts, in order."""

    version: int
    metadata: dict[str, Any]
    tenant: str
    chunks: list[str]


class Index:
    """Every method blocks for a request or more. Raises UnavailableError."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=30, headers={"X-API-Key": api_key} if api_key else {})

    def close(self) -> None:
        self._http.close()

    def below(self, prefix: str) -> Iterator[Indexed]:
        """Every document whose id begins so, deleted ones too."""
        after: str | None = None
        while True:
            body = self._get("/documents", {"limit": PAGE, **({} if after is None else {"after": after})}).json()
            for one in body["documents"]:
                if one["id"].startswith(prefix):
                    yield Indexed(one["id"], one["version"], one["deleted"], one["metadata"], one["tenant"])
            if (after := body["next"]) is None:
                return

    def document(self, document_id: str) -> IndexedDocument | None:
        """None where it is not there."""
        answer = self._get(f"/documents/{urllib.parse.quote(document_id)}", {})
        if answer.status_code in _GONE:
            return None
        body = answer.json()
        texts = [chunk["text"] for chunk in body["chunks"]]
        return IndexedDocument(body["version"], body["metadata"], body["tenant"], texts)

    def version(self, document_id: str) -> int:
        """-1 where it was never seen; a deleted one's is that of its deletion."""
        answer = self._get(f"/documents/{urllib.parse.quote(document_id)}", {})
        return int(answer.json().get("version") or -1) if answer.status_code != _GONE[0] else -1

    def _get(self, path: str, parameters: dict[str, Any]) -> httpx.Response:
        try:
            answer = self._http.get(path, params=parameters)
            if answer.status_code not in _GONE:
                answer.raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"Search at {self._url} does not answer", str(error) or type(error).__name__, "see `freshet status`"
            ) from error
        return answer
