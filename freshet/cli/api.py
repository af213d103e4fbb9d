"""Asks the search API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from freshet.errors import FreshetError, UnavailableError

TIMEOUT_SECONDS = 10.0


def get(
    url: str,
    path: str,
    parameters: Sequence[tuple[str, str]] = (),
    api_key: str | None = None,
    seconds: float = TIMEOUT_SECONDS,
) -> dict[str, Any]:
    """Blocks for the answer. Raises UnavailableError without one, FreshetError with what an error answer says."""
    headers = {"X-API-Key": api_key} if api_key else {}
    try:
        response = httpx.get(f"{url}{path}", params=list(parameters), headers=headers, timeout=seconds)
        answer = response.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise failure(url, error) from error
    except ValueError as error:
        raise UnavailableError(f"What answers at {url} is not Freshet", str(error), "check --url") from error
    if response.is_success and isinstance(answer, dict):
        return answer
    if isinstance(answer, dict) and "error" in answer:
        raise FreshetError(str(answer["error"]), str(answer.get("detail", "")), str(answer.get("remedy", "")))
    raise UnavailableError(f"What answers at {url} is not Freshet", f"status {response.status_code}", "check --url")


def failure(url: str, error: Exception) -> UnavailableError:
    """For a request that had no answer."""
    remedy = "start it with `make run` or `freshet up`, or check the address"
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        remedy = "write the address as http://host:port"
    return UnavailableError(f"Search at {url} does not answer", str(error) or type(error).__name__, remedy)
