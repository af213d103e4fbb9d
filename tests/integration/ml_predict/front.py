"""A proxy before the inference server that answers badly where it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass(frozen=True, slots=True)
class Answer:
    """Instead of the server's; status 0 closes the connection without one. ``times`` None: for ever."""

    status: int | None
    times: int | None = None
    delay: float = 0.0
    """Seconds before anything else; with status None the server's own answer follows."""


class Front:
    """Serves from a thread of its own between ``start`` and ``stop``. A text that holds a told word is treated so."""

    def __init__(self) -> None:
        self.target = ""
        self.asked = Counter[str]()
        """Requests by the word that they held."""
        self._answers: dict[str, Answer] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._client = httpx.Client(timeout=30)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/embeddings"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def tell(self, word: str, answer: Answer) -> None:
        self._answers[word] = answer

    def answer(self, text: str) -> Answer | None:
        for word, answer in self._answers.items():
            if word in text:
                self.asked[word] += 1
                return answer if answer.times is None or self.asked[word] <= answer.times else None
        return None

    def forward(self, body: bytes) -> httpx.Response | None:
        try:
            return self._client.post(self.target, content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError:
            return None


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = front.answer(json.loads(body)["input"])
            if told is not None:
                time.sleep(told.delay)
            if told is not None and told.status is not None:
                error = {"error": {"message": "as told", "type": "server_error", "param": None, "code": "told"}}
                self._reply(told.status, json.dumps(error).encode())
            elif (answered := front.forward(body)) is None:
                self._reply(0, b"")
            else:
                self._reply(answered.status_code, answered.content, dict(answered.headers))

        def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in (headers or {}).items():
                if name.startswith("freshet"):
                    self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
