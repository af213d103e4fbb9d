"""The API key, where one is set."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from fastapi import Depends
from fastapi.security import APIKeyHeader
from pydantic import SecretStr

from search.problems import Problem

HEADER = "X-API-Key"


class ApiKey:
    """Guards what reads content. Probes, metrics and docs stay open: what calls them can often send no header."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key.get_secret_value().encode() if key is not None else None

    def dependencies(self) -> Sequence[Any]:
        """For a router; none where no key is set, so that a request pays nothing."""
        if self._key is None:
            return ()
        expected = self._key
        header = APIKeyHeader(name=HEADER, auto_error=False)

        async def check(given: str | None = Depends(header)) -> None:
            # Header values arrive decoded as Latin-1, whatever the client's bytes mean.
            if given is None or not secrets.compare_digest(given.encode("latin-1", "replace"), expected):
                detail = "there is none" if given is None else "it is not the right one"
                raise Problem(401, "An API key is needed", detail, f"send it in the header {HEADER}")

        return (Depends(check),)
