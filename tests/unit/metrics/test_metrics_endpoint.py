"""One process's metrics over HTTP, and several processes' behind one port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from freshet.errors import UsageError
from freshet.metrics_endpoint import SHARED_FOLDER, serve_metrics
from freshet.stack.process import free_port, wait_until
from freshet.stack.python_process import PythonProcess

COUNT = "from freshet.metrics import RECORDS; RECORDS.counter().labels('written').inc({amount})"
SERVE = f"""
{COUNT.format(amount=5)}
from freshet.metrics_endpoint import serve_metrics
print(serve_metrics(0), flush=True)
input()
"""


def test_processes_that_share_a_folder_answer_as_one(tmp_path: Path) -> None:
    environment = {**os.environ, SHARED_FOLDER: str(tmp_path)}
    subprocess.run([sys.executable, "-c", COUNT.format(amount=2)], env=environment, check=True)
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        text = httpx.get(f"http://127.0.0.1:{server.stdout.readline().strip()}/metrics").text
        server.communicate("\n")
    assert 'freshet_consumer_records_total{outcome="written"} 7.0' in text


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"metrics cannot be served at 127\.0\.0\.1:{port}") as raised:
            serve_metrics(port)
    assert "choose another port" in str(raised.value)


class Consumer(PythonProcess):
    """A consumer without search, whose broker is away."""

    def __init__(self, folder: Path, port: int) -> None:
        settings = {
            "FRESHET_HOST_METRICS_PORT": str(port),
            "FRESHET_STORE_PATH": str(folder / "store"),
            "FRESHET_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
        }
        super().__init__("consumer", folder / "consumer.log", "freshet.host", ("consumer",), settings, self._tells)
        self._port = port

    def _tells(self) -> bool:
        try:
            return "freshet_consumer_lag_seconds" in httpx.get(f"http://127.0.0.1:{self._port}/metrics").text
        except httpx.HTTPError:
            return False


def test_a_consumer_of_its_own_tells_too(tmp_path: Path) -> None:
    consumer = Consumer(tmp_path, free_port())
    consumer.start()
    try:
        consumer.wait_ready(60)
    finally:
        consumer.kill()


def test_a_consumer_whose_port_is_taken_ends_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        consumer = Consumer(tmp_path, taken.getsockname()[1])
        consumer.start()
        wait_until(lambda: not consumer.alive, "the consumer has ended", 60)
    assert "metrics cannot be served" in consumer.tail()
