"""The live events of the search API, read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from freshet.cli.api import failure
from freshet.errors import FreshetError, UnavailableError

SILENCE_SECONDS = 15.0
"""The figures come each second; after so long without any the server is gone."""


def events(url: str, api_key: str | None = None) -> Iterator[tuple[str, Any]]:
    """Name and data of each. Blocks between them. Raises UnavailableError when there is no answer or no more of it."""
    headers = {"X-API-Key": api_key} if api_key else {}
    try:
        with httpx.stream("GET", f"{url}/events", headers=headers, timeout=SILENCE_SECONDS) as answer:
            if not answer.is_success:
                answer.read()
                raise _refused(url, answer)
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, msgspec.json.decode(line.removeprefix("data: "))
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError) as error:
        raise failure(url, error) from error
    raise UnavailableError(f"Search at {url} ended the stream", "it is stopping", "see `freshet status`")


def _refused(url: str, answer: httpx.Response) -> FreshetError:
    try:
        body = answer.json()
        return FreshetError(str(body["error"]), str(body.get("detail", "")), str(body.get("remedy", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return UnavailableError(f"What answers at {url} is not Freshet", f"status {answer.status_code}", "check --url")
