"""What the monitor tells, and by which name it finds a connector."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import REGISTRY

from producers.cdc.capture import Capture
from producers.cdc.captures import Captures
from producers.cdc.connect_api import ConnectApi
from producers.cdc.health import SlotHealth
from producers.cdc.monitor import Monitor

AWAY = Capture(name="my_shop", url="postgresql://app@127.0.0.1:1/shop")


@contextmanager
def connect_with(*connectors: str) -> Iterator[str]:
    """An HTTP server that knows the configuration of these, as Connect would answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path.split("/")[2] in connectors
            body = json.dumps({}).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_connector_that_an_earlier_version_named_is_found_under_that_name() -> None:
    with connect_with("freshet-my_shop") as url, ConnectApi(url) as api:
        assert api.connector_of(AWAY) == "freshet-my_shop"
    with connect_with("freshet-my-shop") as url, ConnectApi(url) as api:
        assert api.connector_of(AWAY) == "freshet-my-shop"
    with connect_with() as url, ConnectApi(url) as api:
        assert api.connector_of(AWAY) == "freshet-my-shop"


def test_a_capture_that_is_removed_raises_no_alarm_any_more(tmp_path: Path) -> None:
    monitor = Monitor("http://127.0.0.1:1", Captures(tmp_path / "captures"))
    monitor.look({"my_shop": AWAY})
    assert REGISTRY.get_sample_value("freshet_cdc_connector_running", {"capture": "my_shop"}) == 0
    monitor.look({})
    assert REGISTRY.get_sample_value("freshet_cdc_connector_running", {"capture": "my_shop"}) is None
    monitor.close()


def test_a_table_outside_the_publication_is_a_trouble() -> None:
    silent = SlotHealth("reserved", True, 0, 0, None, (), ("public.articles",))
    assert not silent.well
    assert "public.articles is not in the publication freshet_my_shop" in silent.trouble(AWAY)
