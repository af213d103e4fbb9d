"""What feeds the live page: the writer in this process or the topic, and the figures of each second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from freshet.changes import WrittenBatch
from freshet.flow import FlowReader
from freshet.service import Resources
from freshet.settings import KafkaSettings, SearchSettings
from freshet.store import Head
from search.consumer_metrics import ConsumerMetrics
from search.figures import FigureReader
from search.stream import Stream
from search.topic_reader import TopicReader
from search.workers import Workers

EVERY_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


class Live:
    """Works only while a page is open, but for a note of each batch that is written in this process."""

    def __init__(self, resources: Resources, settings: SearchSettings, kafka: KafkaSettings, workers: Workers) -> None:
        """``workers`` runs what asks the broker."""
        self.stream = Stream(settings.max_streams)
        self._resources = resources
        self._kafka = kafka
        self._workers = workers
        elsewhere = ConsumerMetrics(settings.consumers) if settings.consumers else None
        self._figures = FigureReader(resources, FlowReader(kafka), settings.flink_url, elsewhere)
        self._reader = TopicReader(kafka, resources.store, self._found)
        self._ticking: asyncio.Task[None] | None = None
        self._unsubscribe = resources.changes.subscribe(self._written)

    def opened(self) -> None:
        """A page was opened. On the event loop."""
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.get_running_loop().create_task(self._tick())

    def close(self) -> None:
        """End all streams; from any thread."""
        self._unsubscribe()
        self.stream.close()
        self._reader.stop()

    def _written(self, batch: WrittenBatch) -> None:
        self._figures.note(batch)
        self.stream.add(batch.finished, batch.searchable_ns)

    def _found(self, heads: Sequence[Head], searchable_ns: int) -> None:
        self._figures.note_changes(heads, searchable_ns)
        self.stream.add(heads, searchable_ns)

    async def _tick(self) -> None:
        if not self._resources.changes.written_here:
            self._reader.start()
        try:
            while self.stream.watched:
                figures = await self._workers.run(self._figures.read)
                self.stream.tell("figures", figures)
                await asyncio.sleep(EVERY_SECONDS)
        except Exception:
            log.exception("the live page has no figures until it is opened again")
        finally:
            self._reader.stop()
