"""The real service and HTTP server; only the model is a stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from inference.service import InferenceService
from inference.settings import InferenceSettings
from tests.unit.inference.double import HashModel


class Served:
    """A running server, a client of it, and its model."""

    def __init__(self, service: InferenceService, model: HashModel) -> None:
        self.service = service
        self.model = model
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=20)

    def embed(self, texts: Any, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        body = {"model": "double", "input": texts, **fields}
        return self.client.post("/v1/embeddings", json=body, headers=headers)

    def error(self, *arguments: Any, **fields: Any) -> tuple[int, str, str | None]:
        """Status, code and param of an answer in OpenAI's shape."""
        return error_of(self.embed(*arguments, **fields))


def error_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["code"], error["param"]


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a server with further settings of InferenceSettings; stops them all at the end."""
    with ExitStack() as opened:

        def start(model: HashModel | None = None, **settings: Any) -> Served:
            chosen = InferenceSettings(**{"port": 0, "instances": 1, "drain_seconds": 2.0, **settings})
            model = model or HashModel()
            service = InferenceService(model, chosen, tmp_path)
            service.start()
            opened.callback(service.stop)
            opened.callback(model.release)
            served = Served(service, model)
            opened.callback(served.client.close)
            model.computed.clear()
            return served

        yield start


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve()
