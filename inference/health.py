"""Whether the server lives, whether it should be sent requests, and its metrics."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from inference.answers import json_response

Unready = Callable[[], str]
"""Why no request should come, in words; empty where all is well."""


def health_routes(unready: Unready) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def alive() -> Response:
        """200 while the process lives."""
        return json_response({"status": "alive"})

    @router.get("/readyz")
    async def ready() -> Response:
        """200 while the model answers as it should; 503 with why not."""
        why = unready()
        return json_response({"status": "not ready", "why": why}, 503) if why else json_response({"status": "ready"})

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """In Prometheus' text format, or OpenMetrics where the client asks for it."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), headers={"content-type": media_type})

    return router
