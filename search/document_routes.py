"""``GET /documents/{id}``: one document as it can be found now. ``GET /documents``: all of them, in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from freshet.events import CANARY_SOURCE
from freshet.store import ChunkPoint, Head, VectorStore
from search.answers import (
    DeletedAnswer,
    DocumentAnswer,
    DocumentChunk,
    DocumentList,
    ErrorAnswer,
    ListedDocument,
    json_response,
)
from search.change import hop_times
from search.engine import rfc3339
from search.problems import Problem
from search.workers import Workers

MAX_PAGE = 1_000

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": DocumentAnswer},
    404: {"model": ErrorAnswer, "description": "no version of it was ever complete"},
    410: {"model": DeletedAnswer, "description": "deleted"},
}


def document_routes(store: VectorStore, workers: Workers, dependencies: Sequence[Any]) -> APIRouter:
    router = APIRouter(tags=["documents"], dependencies=dependencies)

    @router.get("/documents", responses={200: {"model": DocumentList}})
    async def documents(after: str | None = None, limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100) -> Response:
        """Every document, deleted ones too, in an order of its own: pass ``next`` as ``after`` for the next page.

        A canary's are left out.
        """
        return json_response(await workers.run(list_documents, store, after, limit))

    @router.get("/documents/{document_id:path}", responses=_RESPONSES)
    async def document(document_id: str) -> Response:
        """Version, stamps, hop times and the text of each chunk."""
        return json_response(await workers.run(read_document, store, document_id))

    return router


def list_documents(store: VectorStore, after: str | None, limit: int) -> DocumentList:
    """Blocks."""
    heads = store.scan(after, limit)
    listed = [
        ListedDocument(
            id=head.document_id,
            version=head.version if head.version >= 0 else None,
            deleted=head.deleted,
            chunks=head.chunks,
            pending_version=head.pending.version if head.pending else None,
            tenant=head.tenant,
            source=head.source,
            metadata=head.metadata,
        )
        for head in heads
        if head.source != CANARY_SOURCE
    ]
    return DocumentList(listed, heads[-1].document_id if len(heads) == limit else None)


def read_document(store: VectorStore, document_id: str) -> DocumentAnswer:
    """Blocks. Raises Problem with 404 or 410 where there is nothing to show."""
    found = store.document(document_id) if document_id else None
    if found is None:
        raise Problem(404, "No such document", document_id, "check its id; a search shows the ids of its results")
    head, chunks = found
    if head.deleted:
        raise Problem(
            410,
            "The document was deleted",
            f"by version {head.version}",
            "publish a higher version to bring it back",
            head.version,
        )
    if head.version < 0:
        detail = f"version {head.pending.version} is being written" if head.pending else "no version of it is complete"
        raise Problem(404, "The document is not complete yet", detail, "ask again in a moment")
    return _answer(head, chunks)


def _answer(head: Head, chunks: Sequence[ChunkPoint]) -> DocumentAnswer:
    return DocumentAnswer(
        id=head.document_id,
        version=head.version,
        metadata=head.metadata,
        tenant=head.tenant,
        source=head.source,
        model=head.model,
        revision=head.revision,
        traceparent=head.traceparent,
        stamps={name.removeprefix("freshet-"): rfc3339(stamp) for name, stamp in head.stamps.items()},
        hops_ms=hop_times(head),
        pending_version=head.pending.version if head.pending else None,
        chunks=[DocumentChunk(chunk.part, chunk.chunk, chunk.text) for chunk in chunks],
    )
