"""The live page where the writer is another process: the topic, checked against the store, which is a server's."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from pydantic import SecretStr
from qdrant_client import QdrantClient

from freshet.embedding import load_embedder
from freshet.embedding.load import ModelEmbedder
from freshet.headers import SOURCE_COMMIT, UPSERTED
from freshet.service import Resources
from freshet.settings import KafkaSettings, SearchSettings
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from freshet.store import ChunkPoint, CollectionInfo, Head
from freshet.store.server import ServerStore
from freshet.store.settings import StoreSettings
from search.service import SearchService
from search.topic_reader import TopicReader
from tests.integration.browser import Visit
from tests.integration.pipeline import Pipeline

SECONDS = 30


class Heads:
    """What the store would answer; the one of the stack belongs to another process."""

    def __init__(self) -> None:
        self.known: dict[str, Head] = {}
        self.asked: set[str] = set()

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        self.asked |= set(document_ids)
        return {name: self.known[name] for name in document_ids if name in self.known}


def test_a_version_is_told_when_the_store_has_it_and_not_before(stack: LocalStack, pipeline: Pipeline) -> None:
    store, told = Heads(), list[tuple[str, int]]()
    reader = TopicReader(
        KafkaSettings(bootstrap=stack.bootstrap),
        store,  # type: ignore[arg-type]  # of a store it needs the heads alone
        lambda heads, at: told.extend((head.document_id, head.version) for head in heads),
    )
    document_id = pipeline.id("awaited")
    version = 0

    def announced() -> bool:
        # It reads from the end, which it has to find first.
        nonlocal version
        version += 1
        pipeline.publish("awaited", f"Awaited, {version}.", version)
        return document_id in store.asked

    reader.start()
    try:
        wait_until(announced, "the topic announced it", SECONDS, stack.processes)
        pipeline.wait_version("awaited", version)
        assert told == []
        store.known[document_id] = Head(document_id, version, stamps={UPSERTED: 1})
        wait_until(lambda: bool(told), "it is told", SECONDS, stack.processes)
        assert told == [(document_id, version)]
        reader.stop()
        store.asked.clear()
        reader.start()
        wait_until(announced, "it reads on after it was stopped and started", SECONDS, stack.processes)
        assert len(told) == 1, "a version that the store does not have is not told"
    finally:
        reader.stop()


class Elsewhere:
    """What a consumer elsewhere has in its store, and the search API of a process of its own over it."""

    def __init__(self, stack: LocalStack, model: ModelEmbedder, settings: Mapping[str, Any]) -> None:
        self._model = model
        self._store = ServerStore(StoreSettings(), QdrantClient(":memory:"))
        self._store.open(CollectionInfo(model.model, model.revision, model.dimension))
        asked = {"port": 0, "consumers": (f"{stack.search_url}/metrics",), "flink_url": stack.flink.url, **settings}
        kafka = KafkaSettings(bootstrap=stack.bootstrap)
        self._service = SearchService(Resources(self._store, model), SearchSettings(**asked), kafka)

    def start(self) -> str:
        """The page's address."""
        self._service.start()
        return f"http://127.0.0.1:{self._service.port}"

    def stop(self) -> None:
        self._service.stop()
        self._store.close()

    def write(self, document_id: str, version: int, text: str) -> None:
        now = time.time_ns()
        head = Head(document_id, version, chunks=1, stamps={SOURCE_COMMIT: now - 40_000_000, UPSERTED: now})
        chunk = ChunkPoint(document_id, version, 0, 0, text, self._model.embed([text])[0], {})
        self._store.write([chunk], [head], {document_id: version})


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, stack: LocalStack) -> Iterator[Elsewhere]:
    opened = Elsewhere(stack, load_embedder(), getattr(request, "param", {}))
    yield opened
    opened.stop()


def test_the_page_over_a_server_s_store_shows_changes_and_the_consumers_batches(
    chrome: Browser, stack: LocalStack, pipeline: Pipeline, elsewhere: Elsewhere
) -> None:
    with Visit(chrome, elsewhere.start()) as visit:
        page = visit.page
        expect(page.locator("#connection")).to_have_text("live")
        change = page.locator("#changes tr", has_text=pipeline.id("remote"))
        version = 0

        def shown() -> bool:
            # It reads the topic from the end, which it has to find first; and a mean takes two looks at the consumers.
            nonlocal version
            version += 1
            text = f"The ferryman mends his nets, {version}."
            pipeline.publish("remote", text, version)
            elsewhere.write(pipeline.id("remote"), version, text)
            return bool(change.count()) and page.locator("#batch-size").inner_text() != "–"

        wait_until(shown, "the page shows the change and the batches", SECONDS, stack.processes)
        expect(change.first).to_contain_text(re.compile(r"1 chunk.*\d+(\.\d)? m?s"))
        page.get_by_label("What do you look for?").fill("who mends the nets")
        expect(page.locator("#results li").first).to_contain_text("The ferryman mends his nets")
        for figure in ("rate-documents", "behind-job", "behind-consumer", "batch-p99", "batch-size", "batch-limit"):
            expect(page.locator(f"#{figure}")).to_have_text(re.compile(r"\d"))
        expect(page.locator("#documents")).to_have_text("1", timeout=SECONDS * 1e3)
        expect(page.locator("#trouble")).to_be_hidden()
        assert visit.complaints == []


@pytest.mark.parametrize(
    "elsewhere",
    [{"api_key": SecretStr("right"), "consumers": ("http://127.0.0.1:1/metrics",)}],
    indirect=True,
    ids=["key"],
)
def test_the_page_asks_for_the_key_takes_the_right_one_and_says_what_is_wrong(
    chrome: Browser, elsewhere: Elsewhere
) -> None:
    with Visit(chrome, elsewhere.start()) as visit:
        key, answer = visit.page.get_by_label("This server asks for its API key"), visit.page.locator("#key-answer")
        connection = visit.page.locator("#connection")
        expect(key).to_be_focused()
        expect(connection).to_contain_text("trying again in 2 s")
        expect(answer).to_be_empty()
        assert visit.violations() == ""
        key.fill("wrong")
        key.press("Enter")
        expect(answer).to_have_text("That is not the right one.")
        key.fill("right")
        key.press("Enter")
        expect(connection).to_have_text("live")
        expect(key).to_be_hidden()
        expect(visit.page.get_by_label("What is wrong")).to_contain_text("No consumer tells of its batches")
        assert visit.violations() == ""
