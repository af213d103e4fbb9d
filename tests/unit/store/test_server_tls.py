"""A server behind TLS is believed by FRESHET_STORE_CA, over HTTP and over gRPC."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest
import trustme

from freshet.errors import UnavailableError, UsageError
from freshet.store import CollectionInfo, StoreSettings, open_store

INFO = CollectionInfo("m", "r", 4)


class Version(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = json.dumps({"title": "qdrant", "version": "1.18.3", "commit": "x"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Not on the test's output."""


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[StoreSettings]:
    """Serves its version over HTTPS, and gRPC that implements nothing."""
    authority = trustme.CA()
    own = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.configure_cert(context)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Version)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    chain = b"".join(one.bytes() for one in own.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(own.private_key_pem.bytes(), chain)])
    server = grpc.server(ThreadPoolExecutor(2))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield StoreSettings(
        url=f"https://localhost:{http.server_port}", grpc_port=port, ca=tmp_path / "ca.crt", timeout_s=2
    )
    server.stop(0)
    http.shutdown()
    http.server_close()


def test_its_authority_is_enough(secured: StoreSettings) -> None:
    store = open_store(secured)
    # It came through, and what nobody implements is said by the other side.
    with pytest.raises(UsageError, match="UNIMPLEMENTED"):
        store.open(INFO)
    store.close()


def test_without_it_nothing_is_believed(secured: StoreSettings) -> None:
    store = open_store(secured.model_copy(update={"ca": None}))
    with pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        store.open(INFO)
    store.close()


def test_a_file_without_a_certificate_is_named(secured: StoreSettings, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("nothing")
    store = open_store(secured.model_copy(update={"ca": tmp_path / "empty"}))
    with pytest.raises(UsageError, match="holds no certificate"):
        store.open(INFO)
