"""The API as one ASGI application."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from inference.errors import install_handlers
from inference.health import Unready, health_routes
from inference.routes import EmbeddingRoutes

_ABOUT = "Embeddings, as OpenAI's API has them: any client of that works with this address as its base URL."


def build_app(routes: EmbeddingRoutes, unready: Unready) -> FastAPI:
    app = FastAPI(
        title="Freshet inference",
        version=version("freshet"),
        description=_ABOUT,
        redirect_slashes=False,
        # Its own would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    patch_fastapi(app, redirect_from_root_to_docs=False)
    app.include_router(routes.router())
    app.include_router(health_routes(unready))
    install_handlers(app)
    return app
