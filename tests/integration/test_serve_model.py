"""``freshet serve-model`` as a process, asked by OpenAI's own client."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest

from freshet.embedding import load_embedder
from freshet.embedding.settings import PACKAGED_MODEL
from freshet.stack.process import StackProcess, free_port, wait_until

TEXTS = ["The ferry to the island leaves at noon.", "Boats to the isle depart at twelve o'clock.", "Profit fell."]
HEAD = b"POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
BODY = json.dumps({"model": PACKAGED_MODEL, "input": TEXTS}).encode()


class ServeModel(StackProcess):
    """The command as a person types it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__("serve-model", folder / "serve-model.log")
        self.port = free_port()
        self._settings = {f"FRESHET_INFERENCE_{name.upper()}": value for name, value in settings.items()}

    def command(self) -> Sequence[str]:
        return [str(Path(sys.executable).with_name("freshet")), "serve-model", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self._settings}

    @property
    def returncode(self) -> int | None:
        return self._process.poll() if self._process else None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeModel]:
    folder = tmp_path_factory.mktemp("serve-model")
    process = ServeModel(folder, cache=str(folder / "vectors.sqlite"), aliases='["text-embedding-3-small"]')
    process.start()
    try:
        process.wait_ready()
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def client(server: ServeModel) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)


def test_the_official_client_gets_the_models_vectors(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model=PACKAGED_MODEL, input=TEXTS)
    expected = load_embedder().embed(TEXTS)
    np.testing.assert_allclose([item.embedding for item in answer.data], expected, atol=1e-6)
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert answer.model == PACKAGED_MODEL
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == sum(map(len, load_embedder().encode(TEXTS)))


def test_float_and_base64_are_the_same_vector(client: openai.OpenAI, server: ServeModel) -> None:
    asked = {"model": PACKAGED_MODEL, "input": TEXTS[0]}
    plain = client.embeddings.create(model=PACKAGED_MODEL, input=TEXTS[0], encoding_format="float")
    raw = httpx.post(f"{server.url}/v1/embeddings", json={**asked, "encoding_format": "base64"}).json()
    decoded = np.frombuffer(base64.b64decode(raw["data"][0]["embedding"]), "<f4")
    np.testing.assert_array_equal(decoded, np.array(plain.data[0].embedding, np.float32))


def test_token_ids_are_the_text(client: openai.OpenAI) -> None:
    rows = [row.tolist() for row in load_embedder().encode(TEXTS)]
    by_ids = client.embeddings.create(model=PACKAGED_MODEL, input=rows)
    alone = client.embeddings.create(model=PACKAGED_MODEL, input=rows[0])
    by_text = client.embeddings.create(model=PACKAGED_MODEL, input=TEXTS)
    assert [item.embedding for item in by_ids.data] == [item.embedding for item in by_text.data]
    assert alone.data[0].embedding == by_text.data[0].embedding


async def _ask_async(url: str) -> tuple[list[str], list[float]]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
        models = [model.id async for model in client.models.list()]
        answer = await client.embeddings.create(model=models[0], input=TEXTS[0])
        return models, answer.data[0].embedding


def test_the_async_client_too(server: ServeModel) -> None:
    models, vector = asyncio.run(_ask_async(server.url))
    assert models == [PACKAGED_MODEL, "text-embedding-3-small"]
    np.testing.assert_allclose(vector, load_embedder().embed(TEXTS[:1])[0], atol=1e-6)


def test_a_model_can_be_looked_up(client: openai.OpenAI) -> None:
    assert client.models.retrieve(PACKAGED_MODEL).id == PACKAGED_MODEL
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-4")
    assert caught.value.code == "model_not_found"


def test_the_client_raises_its_own_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model=PACKAGED_MODEL, input=["fine", ""])
    assert (caught.value.param, caught.value.code) == ("input[1]", "empty_item")
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="text-embedding-ada-002", input="fine")
    assert client.embeddings.create(model="text-embedding-3-small", input="fine").model == "text-embedding-3-small"


def test_metrics_are_there(server: ServeModel) -> None:
    text = httpx.get(f"{server.url}/metrics").text
    assert "freshet_inference_cache_total" in text
    assert "freshet_build_info{" in text


@pytest.fixture
def draining(tmp_path: Path) -> Iterator[tuple[ServeModel, socket.socket]]:
    """A server that was told to stop while half of a request had arrived, on the socket."""
    process = ServeModel(tmp_path, instances="1")
    process.start()
    try:
        process.wait_ready()
        with socket.create_connection(("127.0.0.1", process.port), timeout=10) as half:
            half.sendall(HEAD % len(BODY) + BODY[:10])
            # The kernel has it; an answer to a later request says that the server has it too.
            assert process.ready()
            os.kill(process.pid, signal.SIGTERM)
            wait_until(lambda: not process.ready(), "it takes no more", 10, watch=(process,))
            yield process, half
    finally:
        process.stop()


def test_sigterm_answers_what_has_arrived_then_ends(draining: tuple[ServeModel, socket.socket]) -> None:
    process, half = draining
    half.sendall(BODY[10:])
    assert half.recv(20).startswith(b"HTTP/1.1 200")
    wait_until(lambda: not process.alive, "it has ended", 10)
    assert process.returncode == 0


def test_a_second_signal_ends_it_at_once(draining: tuple[ServeModel, socket.socket]) -> None:
    process, _ = draining
    os.kill(process.pid, signal.SIGTERM)
    wait_until(lambda: not process.alive, "it has ended", 5)
    assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"revision": "0" * 12}, "revision is not the pinned one"),
        ({"max_items": "many"}, "FRESHET_INFERENCE_MAX_ITEMS does not fit"),
        ({"aliases": "not-json"}, "FRESHET_INFERENCE_ALIASES is not the JSON"),
    ],
)
def test_what_cannot_be_right_refuses_to_start(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    process = ServeModel(tmp_path, **settings)
    process.start()
    try:
        wait_until(lambda: not process.alive, "it has refused", 20)
        assert process.returncode == 1
        assert said in process.tail()
    finally:
        process.stop()
