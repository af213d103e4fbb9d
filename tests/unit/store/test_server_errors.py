"""A server that refuses, stalls or is too old is told apart: retry, or ask a person."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from pydantic import SecretStr
from qdrant_client import QdrantClient, models

from freshet.errors import FreshetError, UnavailableError, UsageError
from freshet.store import CollectionInfo, StoreSettings, open_store
from freshet.store.edge import EdgeStore
from freshet.store.server import ServerStore
from tests.conformance.stores.material import INFO as SMALL
from tests.conformance.stores.material import chunk, head

INFO = CollectionInfo("m", "r", 4)


class Answers(BaseHTTPRequestHandler):
    """Says ``version`` on the root, and ``status`` to everything else."""

    version = "1.18.3"
    status = 200
    keys: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        Answers.keys.append(self.headers.get("api-key"))
        if self.path == "/":
            self._answer(200, {"title": "qdrant", "version": self.version, "commit": "x"})
        else:
            self._answer(self.status, {"status": {"error": "so the server says"}, "time": 0.0})

    do_POST = do_PUT = do_GET

    def _answer(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Not on the test's output."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _open(url: str, status: int = 200, version: str = "1.18.3") -> None:
    Answers.status, Answers.version = status, version
    settings = StoreSettings(url=url, grpc_port=None, api_key=SecretStr("key-1"), timeout_s=1)
    ServerStore(settings).open(INFO)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, UsageError), (403, UsageError), (500, UnavailableError), (503, UnavailableError)]
)
def test_http_statuses(url: str, status: int, kind: type[FreshetError]) -> None:
    with pytest.raises(kind) as caught:
        _open(url, status)
    assert url in str(caught.value)
    assert "open the collection" in str(caught.value)
    assert "key-1" not in str(caught.value)
    assert "key-1" in Answers.keys


@pytest.mark.parametrize("version", ["1.15.9", "1.9.0", "0.11.1"])
def test_a_server_too_old_to_write_conditionally(url: str, version: str) -> None:
    with pytest.raises(UsageError, match="upgrade the server"):
        _open(url, version=version)


@pytest.mark.parametrize("grpc_port", [None, 1])
def test_a_server_that_is_not_there(grpc_port: int | None) -> None:
    store = open_store(StoreSettings(url="http://127.0.0.1:1", grpc_port=grpc_port, timeout_s=1))
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1"):
        store.open(INFO)
    store.close()


def test_a_write_that_was_accepted_but_not_applied_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    client = QdrantClient(":memory:")
    store = ServerStore(StoreSettings(), client)
    store.open(SMALL)
    late = models.UpdateResult(operation_id=1, status=models.UpdateStatus.WAIT_TIMEOUT)
    monkeypatch.setattr(client, "batch_update_points", lambda *_, **__: [late])
    with pytest.raises(UnavailableError, match="not applied in time"):
        store.write([chunk("a", 1)], [head("a", 1)], {})


def test_the_settings_choose_the_store_and_hide_the_key() -> None:
    assert isinstance(open_store(StoreSettings()), EdgeStore)
    remote = StoreSettings(url="http://127.0.0.1:1", api_key=SecretStr("key-1"))
    assert isinstance(open_store(remote), ServerStore)
    assert "key-1" not in repr(remote)


def test_the_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHET_STORE_URL", "http://qdrant:6333")
    monkeypatch.setenv("FRESHET_STORE_API_KEY", "key-2")
    settings = StoreSettings()
    assert settings.url == "http://qdrant:6333"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "key-2"
