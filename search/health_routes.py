"""What probes, Prometheus and ``freshet status`` ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from freshet.errors import FreshetError
from freshet.service import Resources
from freshet.store import VectorStore
from search.answers import ErrorAnswer, json_response
from search.problems import Problem
from search.workers import Workers

_PROBE = "freshet-readiness-probe"


def health_routes(workers: Workers, store: VectorStore) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def alive() -> Response:
        """200 while the process lives."""
        return json_response({"status": "alive"})

    @router.get("/readyz", responses={503: {"model": ErrorAnswer, "description": "the store does not answer"}})
    async def ready() -> Response:
        """200 when the store answers; the model was loaded before this address existed."""
        await workers.run(_ask_store, store)
        return json_response({"status": "ready"})

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """In Prometheus' text format, or OpenMetrics where the client asks for it."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(await workers.run(encode, REGISTRY), media_type=None, headers={"content-type": media_type})

    return router


def status_route(workers: Workers, resources: Resources, dependencies: Sequence[Any]) -> APIRouter:
    router = APIRouter(tags=["health"], dependencies=dependencies)

    @router.get("/status")
    async def status() -> Response:
        """Model, store, and under ``host`` the state of each service in this process."""
        return json_response(await workers.run(_status, resources))

    return router


def _ask_store(store: VectorStore) -> None:
    try:
        store.heads([_PROBE])
    except FreshetError as error:
        raise Problem(503, "The store does not answer", str(error), "see the log of this process") from error


def _status(resources: Resources) -> dict[str, object]:
    embedder = resources.embedder
    model = {
        "name": embedder.model,
        "revision": embedder.revision,
        "dimension": embedder.dimension,
        "max_tokens": embedder.max_tokens,
    }
    return {
        "version": version("freshet"),
        "model": model,
        "store": asdict(resources.store.stats()),
        "host": dict(resources.host_state()),
    }
