"""Errors as answers: whatever goes wrong, the body is {error, detail, remedy}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from freshet.errors import FreshetError, RejectedRecord, UnavailableError
from search.answers import DeletedAnswer, ErrorAnswer, json_response

_DOCS = "see /docs for what this API takes"


class Problem(Exception):
    """An answer with an error status."""

    def __init__(
        self,
        status: int,
        error: str,
        detail: str = "",
        remedy: str = "",
        version: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        """``retry_after``: seconds that a client should wait before it tries again."""
        super().__init__(status, error, detail, remedy)
        self.status = status
        self.headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        said = (error, detail, remedy)
        self.body = ErrorAnswer(*said) if version is None else DeletedAnswer(*said, version)


def install_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(FreshetError, _freshet_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    response = json_response(error.body, error.status)
    response.headers.update(error.headers)
    return response


async def _freshet_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FreshetError)
    if isinstance(error, RejectedRecord):
        return json_response(_rejected(error), 400)
    status = 503 if isinstance(error, UnavailableError) else 400
    return json_response(ErrorAnswer(error.what, error.detail, error.remedy), status)


def _rejected(error: RejectedRecord) -> ErrorAnswer:
    if error.reason == "text-too-long":
        return ErrorAnswer(
            "The query is longer than the model takes",
            error.detail,
            "shorten it, or search for its parts one by one; Freshet never cuts a text silently",
        )
    return ErrorAnswer("The query cannot be embedded", f"{error.reason}: {error.detail}", "try another wording")


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    kind = request.headers.get("content-type", "")
    if request.method == "POST" and "json" not in kind:
        remedy = "send the header content-type: application/json"
        return json_response(
            ErrorAnswer("The body is not JSON", f"its content-type is {kind or 'missing'}", remedy), 400
        )
    return json_response(ErrorAnswer("The request is not valid", _explain(error.errors()), _DOCS), 400)


def _explain(errors: Sequence[Any]) -> str:
    """At most three of them: a value of a union fails once per member. A place starts with "body" or "query"."""
    lines = []
    for error in errors[:3]:
        place = ".".join(str(part) for part in error["loc"][1:])
        lines.append(f"{place}: {error['msg']}" if place else str(error["msg"]))
    return "; ".join(lines)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = json_response(
        ErrorAnswer(str(error.detail), f"{request.method} {request.url.path}", _DOCS), error.status_code
    )
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> Response:
    remedy = "report it with the log of this process"
    return json_response(ErrorAnswer("Freshet failed to answer", type(error).__name__, remedy), 500)
