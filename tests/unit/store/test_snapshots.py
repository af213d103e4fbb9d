"""Snapshots on each peer, with what is too old removed. tests/conformance/stores does the same on a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from freshet.errors import UnavailableError, UsageError
from freshet.store import StoreSettings
from freshet.store.snapshots import snapshot


class Peer:
    """Speaks the part of Qdrant's HTTP interface that is about snapshots."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.keys: set[str | None] = set()
        self.full = False
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if peer.full:
                    return self._answer(500, None)
                peer.names.append(f"s{len(peer.names)}")
                return self._answer(200, _described(peer.names[-1]))

            def do_GET(self) -> None:
                self._answer(200, [_described(name) for name in peer.names])

            def do_DELETE(self) -> None:
                peer.names.remove(self.path.split("?")[0].rsplit("/", 1)[1])
                self._answer(200, True)

            def _answer(self, status: int, result: Any) -> None:
                peer.keys.add(self.headers.get("api-key"))
                data = json.dumps({"result": result, "status": "ok", "time": 0.0}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Not on the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _described(name: str) -> dict[str, object]:
    return {"name": name, "creation_time": f"2026-11-{int(name[1:]) + 1:02}T02:15:00", "size": 1, "checksum": None}


@pytest.fixture
def peers() -> Iterator[list[Peer]]:
    made = [Peer(["s0", "s1", "s2"]), Peer([])]
    yield made
    for one in made:
        one.close()


def test_each_peer_makes_one_and_keeps_the_newest(peers: list[Peer]) -> None:
    settings = StoreSettings(url="http://nobody:1", api_key=SecretStr("k"))
    made = snapshot(settings, [one.url for one in peers], keep=2)
    assert made == [(peers[0].url, "s3"), (peers[1].url, "s0")]
    assert [one.names for one in peers] == [["s2", "s3"], ["s0"]]
    assert peers[0].keys == {"k"}


def test_a_peer_that_made_none_loses_none(peers: list[Peer]) -> None:
    peers[0].full = True
    with pytest.raises(UnavailableError, match="cannot make a snapshot"):
        snapshot(StoreSettings(url=peers[0].url), (), keep=1)
    assert peers[0].names == ["s0", "s1", "s2"]


def test_the_embedded_store_says_what_to_do_instead() -> None:
    with pytest.raises(UsageError, match="copy its folder"):
        snapshot(StoreSettings(url=None), (), keep=1)
