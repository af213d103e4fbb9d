"""The API as one ASGI application."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from freshet.service import Resources
from freshet.settings import SearchSettings
from search.access import ApiKey
from search.document_routes import document_routes
from search.engine import SearchEngine
from search.health_routes import health_routes, status_route
from search.middleware import SearchMiddleware
from search.problems import install_handlers
from search.search_routes import search_routes
from search.workers import Workers

_ABOUT = """Search by meaning over documents that are at most about 100 ms old.

Every error has the body `{error, detail, remedy}`."""


def build_app(resources: Resources, engine: SearchEngine, settings: SearchSettings, queries: Workers) -> FastAPI:
    """``queries`` runs what reads the store. Probes have their own thread, so that load does not look like death."""
    app = FastAPI(title="Freshet", version=version("freshet"), description=_ABOUT, redirect_slashes=False)
    guard = ApiKey(settings.api_key).dependencies()
    probes = Workers("search-probe", threads=1, max_pending=16)
    app.add_middleware(SearchMiddleware)
    app.include_router(search_routes(engine, queries, guard))
    app.include_router(document_routes(resources.store, queries, guard))
    app.include_router(status_route(probes, resources, guard))
    app.include_router(health_routes(probes, resources.store))
    install_handlers(app)
    return app
