"""``/v1``: embeddings and models."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import SecretStr
from starlette.responses import Response

from freshet import metrics
from inference.answers import embeddings_answer, json_response, model_object
from inference.body import Limits, parse, read_body
from inference.dimensions import Reducer
from inference.embeddings import Embedded, Embeddings, Wish
from inference.errors import ApiError, bad_request
from inference.lanes import LANES, Lane, Monotonic

LANE = "freshet-lane"
TIMEOUT = "freshet-timeout"
FALLBACK = "freshet-fallback"
REVISION = "freshet-revision"
CACHE_HITS = "freshet-cache-hits"
REDUCTION = "freshet-reduction"

_REQUESTS = metrics.INFERENCE_REQUESTS.counter()
_SECONDS = metrics.INFERENCE_SECONDS.histogram()
_REFUSED = metrics.INFERENCE_REFUSED.counter()
_GONE = 499
"""Nobody reads this status: the client has gone; it is for the metrics."""


class EmbeddingRoutes:
    """Everything that one model's addresses need."""

    def __init__(
        self,
        embeddings: Embeddings,
        reducer: Reducer,
        names: Sequence[str],
        revision: str,
        limits: Limits,
        default_timeout: float,
        default_lane: Lane,
        api_key: SecretStr | None,
        clock: Monotonic,
    ) -> None:
        """``names``: what clients may call the model by, its own first."""
        self._embeddings = embeddings
        self._reducer = reducer
        self._names = names
        self._revision = revision
        self._limits = limits
        self._default_timeout = default_timeout
        self._default_lane = default_lane
        self._key = api_key.get_secret_value().encode() if api_key else None
        self._clock = clock
        self._created = int(time.time())

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["OpenAI"])
        router.add_api_route("/embeddings", self.create, methods=["POST"], openapi_extra=_BODY)
        router.add_api_route("/models", self.models, methods=["GET"])
        router.add_api_route("/models/{name:path}", self.model, methods=["GET"])
        return router

    async def create(self, request: Request) -> Response:
        """Embeddings of a text, token ids, or a list of either."""
        started = time.perf_counter()
        lane = self._default_lane
        status = 500
        try:
            self._check_key(request)
            wish = self._wish(request)
            lane = wish.lane
            response = await self._create(request, wish)
            status = response.status_code
            return response
        except ApiError as error:
            status = error.status
            raise
        finally:
            _REQUESTS.labels(lane, str(status)).inc()
            _SECONDS.labels(lane).observe(time.perf_counter() - started)

    async def models(self, request: Request) -> Response:
        """The one model, by each of its names."""
        self._check_key(request)
        return json_response({"object": "list", "data": [model_object(name, self._created) for name in self._names]})

    async def model(self, request: Request, name: str) -> Response:
        self._check_key(request)
        self._check_name(name)
        return json_response(model_object(name, self._created))

    async def _create(self, request: Request, wish: Wish) -> Response:
        asked = parse(await read_body(request, self._limits), self._limits)
        self._check_name(asked.model)
        self._reducer.check(asked.dimensions)
        found = await _unless_gone(request, self._embeddings.embed(asked, wish))
        headers = {REVISION: self._revision, CACHE_HITS: f"{found.hits}/{len(found.vectors)}"}
        if found.fallbacks:
            headers[FALLBACK] = ",".join(str(index) for index in found.fallbacks)
        if asked.dimensions is not None and asked.dimensions != found.vectors.shape[1]:
            headers[REDUCTION] = self._reducer.name
        vectors = self._reducer.reduce(found.vectors, asked.dimensions)
        return embeddings_answer(vectors, asked.encoding, asked.model, found.tokens, headers)

    def _check_name(self, name: str) -> None:
        # With its revision a client says that no other's vectors will do.
        if name not in self._names and name != f"{self._names[0]}@{self._revision}":
            message = f"There is no model {name!r} here; this server has {self._names[0]!r}."
            raise ApiError(404, "model_not_found", message, "model")

    def _check_key(self, request: Request) -> None:
        if self._key is None:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = secrets.compare_digest(given.strip().encode("latin-1", "replace"), self._key)
        if scheme.lower() != "bearer" or not right:
            raise ApiError(401, "invalid_api_key", "Send the API key as Authorization: Bearer …")

    def _wish(self, request: Request) -> Wish:
        headers = request.headers
        # Some clients can set an address but no header, Flink's among them.
        lane = headers.get(LANE) or request.query_params.get("lane") or self._default_lane
        chosen = next((known for known in LANES if known == lane), None)
        if chosen is None:
            raise bad_request("invalid_lane", f"{LANE} is {' or '.join(LANES)}.", LANE)
        fallback = headers.get(FALLBACK, "")
        if fallback not in ("", "cached"):
            raise bad_request("invalid_fallback", f"{FALLBACK} is cached, or left out.", FALLBACK)
        return Wish(chosen, self._clock() + self._timeout(headers.get(TIMEOUT)), fallback == "cached")

    def _timeout(self, given: str | None) -> float:
        if given is None:
            return self._default_timeout
        try:
            seconds = float(given)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds <= 3_600:
            raise bad_request("invalid_timeout", f"{TIMEOUT} is in seconds, above 0 and at most 3600.", TIMEOUT)
        return seconds


async def _unless_gone(request: Request, work: Any) -> Embedded:
    """The work's result; cancels it when the client closes the connection, so that nobody's texts are not computed."""
    task: asyncio.Task[Embedded] = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            _REFUSED.labels("gone").inc()
            raise ApiError(_GONE, "client_closed", "The client has gone.")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["model", "input"],
                    "properties": {
                        "model": {"type": "string"},
                        "input": {"description": "a text, token ids, or a list of either"},
                        "encoding_format": {"enum": ["float", "base64"]},
                        "dimensions": {"type": "integer", "minimum": 1},
                    },
                }
            }
        },
    }
}
