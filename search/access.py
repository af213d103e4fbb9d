"""The API key, where one is set; and what only this machine may do where none is."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader
from pydantic import SecretStr

from search.problems import Problem

HEADER = "X-API-Key"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host")


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

    def changing(self) -> Sequence[Any]:
        """For what changes something: the key, and where none is set a request of this machine itself."""
        return self.dependencies() or (Depends(only_this_machine),)


async def only_this_machine(request: Request) -> None:
    """Raises Problem with 403 for another machine's request, one that a proxy passes on, or one of a foreign page."""
    client = request.client.host if request.client else ""
    named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    origin = request.headers.get("origin")
    if not (_loopback(client) and _loopback(named)):
        why = f"it comes from {client or 'nowhere'} to {named or 'no host'}"
    elif any(name in request.headers for name in _FORWARDED):
        why = "a proxy passed it on"
    elif origin is not None and urlsplit(origin).netloc != request.headers["host"]:
        why = f"it comes from the page of {origin}"
    else:
        return
    remedy = "ask on the machine itself, or set FRESHET_SEARCH_API_KEY and send it"
    raise Problem(403, "Without an API key this is for the machine itself only", why, remedy)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
