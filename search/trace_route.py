"""``GET /traces/{id}``: when the last change of a document passed each hop, of a deletion too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from freshet.store import VectorStore
from search.answers import ErrorAnswer, HopTimes, json_response
from search.change import hop_times
from search.problems import Problem
from search.workers import Workers


@dataclass(frozen=True, slots=True)
class TraceAnswer:
    """``stamps_ns`` are nanoseconds since the epoch, by hop; ``traceparent`` names the trace at your collector."""

    id: str
    version: int
    deleted: bool
    source: str
    tenant: str
    chunks: int
    traceparent: str
    stamps_ns: dict[str, int]
    hops_ms: HopTimes
    pending_version: int | None


def trace_route(store: VectorStore, workers: Workers, dependencies: Sequence[Any]) -> APIRouter:
    router = APIRouter(tags=["documents"], dependencies=dependencies)

    @router.get(
        "/traces/{document_id:path}",
        responses={
            200: {"model": TraceAnswer},
            404: {"model": ErrorAnswer, "description": "no version of it was ever complete"},
        },
    )
    async def trace(document_id: str) -> Response:
        """The hops of the change that is searchable now, or that deleted the document."""
        return json_response(await workers.run(read_trace, store, document_id))

    return router


def read_trace(store: VectorStore, document_id: str) -> TraceAnswer:
    """Blocks. Raises Problem with 404 where no version was ever complete."""
    head = store.heads([document_id]).get(document_id) if document_id else None
    if head is None or head.version < 0:
        detail = "no version of it is complete" if head else document_id
        raise Problem(404, "No such document", detail, "check its id; a search shows the ids of its results")
    return TraceAnswer(
        id=head.document_id,
        version=head.version,
        deleted=head.deleted,
        source=head.source,
        tenant=head.tenant,
        chunks=head.chunks,
        traceparent=head.traceparent,
        stamps_ns={name.removeprefix("freshet-"): stamp for name, stamp in head.stamps.items()},
        hops_ms=hop_times(head),
        pending_version=head.pending.version if head.pending else None,
    )
