"""``GET /``, the live page, and ``GET /docs``, the API to try out. No build step, and nothing from elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import fastapi_swagger
from fastapi import APIRouter, Request
from starlette.responses import Response

from search.problems import Problem

CONTENT_SECURITY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # Markup can then not be made from text, not even by a mistake in our own scripts.
        "require-trusted-types-for 'script'",
    )
)
DOCS_CONTENT_SECURITY: Final = CONTENT_SECURITY.rpartition("; ")[0]
"""Swagger UI makes markup from text that it has cleaned itself."""
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_PAGE: Final = Path(__file__).parent / "page"
_SWAGGER: Final = Path(fastapi_swagger.__file__).parent / "resources"
_SWAGGER_FILES: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")


@dataclass(frozen=True, slots=True)
class PageFile:
    """``etag`` is that of its content."""

    content: bytes
    media_type: str
    etag: str


def page_routes() -> APIRouter:
    """All files are read now, so that no name in an address ever leads to the disk."""
    router = APIRouter(include_in_schema=False)
    found = {file.name: _read(file) for file in (*_PAGE.iterdir(), *(_PAGE / "vendor").iterdir()) if _served(file)}
    found.update({name: _read(_SWAGGER / name) for name in _SWAGGER_FILES})

    @router.get("/")
    async def index(request: Request) -> Response:
        return _answer(request, found["index.html"], CONTENT_SECURITY)

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return _answer(request, found["docs.html"], DOCS_CONTENT_SECURITY)

    @router.get("/page/{name}")
    async def file(request: Request, name: str) -> Response:
        if name not in found:
            raise Problem(404, "No such file", name, "open / for the live page")
        return _answer(request, found[name], CONTENT_SECURITY)

    return router


def _served(file: Path) -> bool:
    return file.suffix in _TYPES


def _read(file: Path) -> PageFile:
    content = file.read_bytes()
    digest = hashlib.blake2b(content, digest_size=12).hexdigest()
    return PageFile(content, _TYPES[file.suffix], f'"{digest}"')


def _answer(request: Request, file: PageFile, content_security: str) -> Response:
    headers = {
        "content-security-policy": content_security,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-cache",
        "etag": file.etag,
    }
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)
