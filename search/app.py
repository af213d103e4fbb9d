"""The API as one ASGI application."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from freshet.redriving import load_redrive
from freshet.service import Resources
from freshet.settings import KafkaSettings, SearchSettings
from search.access import ApiKey
from search.dead_letter_routes import dead_letter_routes
from search.document_routes import document_routes
from search.engine import SearchEngine
from search.event_routes import event_routes
from search.health_routes import health_routes, status_route
from search.live import Live
from search.middleware import SearchMiddleware
from search.page_routes import page_routes
from search.problems import install_handlers
from search.search_routes import search_routes
from search.trace_route import trace_route
from search.workers import Workers

_ABOUT = """Search by meaning over documents that are at most about 100 ms old.

Every error has the body `{error, detail, remedy}`."""


def build_app(
    resources: Resources,
    engine: SearchEngine,
    settings: SearchSettings,
    kafka: KafkaSettings,
    live: Live,
    queries: Workers,
    broker: Workers,
) -> FastAPI:
    """``queries`` runs what reads the store, ``broker`` what asks Kafka.

    Probes have their own thread, so that load does not look like death.
    """
    app = FastAPI(
        title="Freshet",
        version=version("freshet"),
        description=_ABOUT,
        redirect_slashes=False,
        # Its own would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    access = ApiKey(settings.api_key)
    guard = access.dependencies()
    probes = Workers("search-probe", threads=1, max_pending=16)
    app.add_middleware(SearchMiddleware)
    app.include_router(search_routes(engine, queries, guard))
    app.include_router(document_routes(resources.store, queries, guard))
    app.include_router(trace_route(resources.store, queries, guard))
    app.include_router(event_routes(live.stream, live.opened, guard))
    app.include_router(dead_letter_routes(kafka, load_redrive(), broker, guard, access.changing()))
    app.include_router(page_routes())
    app.include_router(status_route(probes, resources, guard))
    app.include_router(health_routes(probes, resources.store))
    install_handlers(app)
    return app
