"""Both kinds of store and a real HTTP server; only the model is a stand-in, and of Qdrant it is the client's memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from qdrant_client import QdrantClient

from freshet import dead_letter_log
from freshet.errors import RejectedRecord
from freshet.events import Metadata
from freshet.flow import FlowReader
from freshet.headers import EMBEDDED, PUBLISHED, SOURCE_COMMIT, UPSERTED
from freshet.service import Resources
from freshet.store import ChunkPoint, CollectionInfo, Head, VectorStore
from freshet.store.server import ServerStore
from freshet.store.settings import StoreSettings, open_store
from search import live
from search.service import create

DIMENSION = 64
MAX_TOKENS = 8
COMMITTED_NS = 1_700_000_000_000_000_000
STAMPS = {
    SOURCE_COMMIT: COMMITTED_NS,
    PUBLISHED: COMMITTED_NS + 2_000_000,
    EMBEDDED: COMMITTED_NS + 7_000_000,
    UPSERTED: COMMITTED_NS + 12_500_000,
}


class WordEmbedder:
    """Texts that share words are near each other."""

    model = "double"
    revision = "r1"
    dimension = DIMENSION
    max_tokens = MAX_TOKENS

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in zip(rows, texts, strict=True):
            words = text.lower().split()
            if len(words) + 2 > MAX_TOKENS:
                raise RejectedRecord("text-too-long", f"{len(words) + 2} tokens, the model takes {MAX_TOKENS}")
            row[0] = 0.01
            for word in words:
                row[1 + hashlib.blake2b(word.encode()).digest()[0] % (DIMENSION - 1)] += 1
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


class Shelf:
    """Puts documents straight into the store, as the consumer would."""

    def __init__(self, store: VectorStore, embedder: WordEmbedder) -> None:
        self.store = store
        self._embedder = embedder

    def put(
        self,
        document_id: str,
        *texts: str,
        version: int = 1,
        metadata: Metadata | None = None,
        tenant: str = "",
        source: str = "",
        stamps: Mapping[str, int] = STAMPS,
    ) -> None:
        vectors = self._embedder.embed(texts)
        chunks = [
            ChunkPoint(document_id, version, 0, number, text, vector, metadata or {}, tenant, source)
            for number, (text, vector) in enumerate(zip(texts, vectors, strict=True))
        ]
        head = Head(
            document_id,
            version,
            chunks=len(chunks),
            metadata=metadata or {},
            tenant=tenant,
            source=source,
            model="double",
            revision="r1",
            stamps=stamps,
            traceparent="00-aa-bb-01",
        )
        self.store.write(chunks, [head], {document_id: version})

    def delete(self, document_id: str, version: int) -> None:
        self.store.write([], [Head(document_id, version, deleted=True)], {document_id: version})


@pytest.fixture(scope="package", autouse=True)
def no_broker() -> Iterator[None]:
    """One may well run on this machine: it is not for these tests, which do not wait long for its answer either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FRESHET_KAFKA_BOOTSTRAP", "127.0.0.1:1")
        patch.setattr(live, "FlowReader", partial(FlowReader, seconds=0.1))
        patch.setattr(dead_letter_log, "ANSWER_SECONDS", 0.1)
        yield


@pytest.fixture(scope="package")
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture(scope="package", params=["embedded", "server"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, embedder: WordEmbedder
) -> Iterator[VectorStore]:
    """One of each for all tests here (opening one takes half a second): each test uses ids and words of its own."""
    settings = StoreSettings(path=tmp_path_factory.mktemp("search") / "store", index_in_background=False)
    server = request.param == "server"
    opened = ServerStore(settings, QdrantClient(":memory:")) if server else open_store(settings)
    opened.open(CollectionInfo(embedder.model, embedder.revision, embedder.dimension))
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def shelf(store: VectorStore, embedder: WordEmbedder) -> Shelf:
    return Shelf(store, embedder)


Serve = Callable[..., httpx.Client]
"""Starts the service with further settings, ``FRESHET_SEARCH_…`` in lower case; returns a client of it."""


@contextmanager
def serving() -> Iterator[Callable[[Resources, dict[str, str]], httpx.Client]]:
    with ExitStack() as opened, pytest.MonkeyPatch.context() as environment:

        def start(resources: Resources, settings: dict[str, str]) -> httpx.Client:
            for name, value in {"port": "0", **settings}.items():
                environment.setenv(f"FRESHET_SEARCH_{name.upper()}", value)
            service = create(resources)
            service.start()
            opened.callback(service.stop)
            return opened.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=10))

        yield start


@pytest.fixture
def serve(store: VectorStore, embedder: WordEmbedder) -> Iterator[Serve]:
    with serving() as start:
        yield lambda resources=None, **settings: start(resources or Resources(store, embedder), settings)


@pytest.fixture(scope="package")
def client(store: VectorStore, embedder: WordEmbedder) -> Iterator[httpx.Client]:
    with serving() as start:
        yield start(Resources(store, embedder, lambda: {"consumer": {"lag": 3}}), {})
