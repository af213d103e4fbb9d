"""``GET`` and ``POST /search``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from search.answers import ErrorAnswer, SearchAnswer, json_response
from search.engine import SearchEngine
from search.query import MAX_QUERY_CHARS, SearchFilter, SearchQuery, metadata_from_parameters
from search.workers import Workers

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": SearchAnswer},
    400: {"model": ErrorAnswer, "description": "empty or too long a query, k out of range, unknown parameter"},
    503: {"model": ErrorAnswer, "description": "the store cannot answer at present, or too many requests wait"},
}
_METADATA_PARAMETER = {
    "name": "meta",
    "in": "query",
    "description": "meta.FIELD=value filters on a metadata field; repeated, it means any of the values",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "example": {"meta.language": "en"},
}


def search_routes(engine: SearchEngine, workers: Workers, dependencies: Sequence[Any]) -> APIRouter:
    router = APIRouter(tags=["search"], dependencies=dependencies)

    @router.get("/search", responses=_RESPONSES, openapi_extra={"parameters": [_METADATA_PARAMETER]})
    async def search(
        request: Request,
        q: Annotated[str, Query(max_length=MAX_QUERY_CHARS, examples=["How long may I return an item?"])],
        k: int = 10,
        tenant: str | None = None,
        source: str | None = None,
        min_score: Annotated[float | None, Query(allow_inf_nan=False)] = None,
    ) -> Response:
        """Search by meaning, from an address that a browser or curl can open."""
        asked_at = time.perf_counter()
        metadata = metadata_from_parameters(request.query_params.multi_items())
        where = SearchFilter.model_construct(metadata=metadata, tenant=tenant, source=source)
        query = SearchQuery.model_construct(query=q, k=k, filter=where, min_score=min_score)
        return json_response(await workers.run(engine.search, query, asked_at))

    @router.post("/search", responses=_RESPONSES)
    async def search_with_body(query: SearchQuery) -> Response:
        """Search by meaning; metadata values keep their types."""
        asked_at = time.perf_counter()
        return json_response(await workers.run(engine.search, query, asked_at))

    return router
