"""What the live page is told where the writer is another process: the topic, checked against the store."""

from __future__ import annotations

from collections.abc import Sequence

from freshet.headers import UPSERTED
from freshet.settings import KafkaSettings
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from freshet.store import Head
from search.topic_reader import TopicReader
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
