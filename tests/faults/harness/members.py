"""Consumers and search in the test's own process, on a real broker: several members of the group on any one store."""

from __future__ import annotations

from consumers.service import ConsumerService
from consumers.settings import ConsumerSettings
from freshet.embedding import Embedder
from freshet.service import Resources
from freshet.settings import KafkaSettings, SearchSettings
from freshet.stack.lag import members
from freshet.stack.process import wait_until
from freshet.store import VectorStore
from search.service import SearchService

JOIN_SECONDS = 30.0


class Members:
    """The consumers of one store, and search beside them. Not thread-safe; each member works in a thread of its own.

    The embedded store may be shared so as long as none of them is frozen: a member gives its partitions back between
    two of its batches, never within one.
    """

    def __init__(self, kafka: KafkaSettings, store: VectorStore, embedder: Embedder) -> None:
        """``store`` is open; it stays the caller's."""
        self._kafka = kafka
        self._resources = Resources(store, embedder)
        self._running: list[ConsumerService] = []
        self._search = SearchService(self._resources, SearchSettings(port=0), kafka)
        self._search.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._search.port}"

    def __len__(self) -> int:
        return len(self._running)

    def join(self, kafka: KafkaSettings | None = None) -> None:
        """One more. Returns at once: the group shares out the partitions meanwhile. ``kafka`` is another way there."""
        member = ConsumerService(self._resources, kafka or self._kafka, ConsumerSettings())
        member.start()
        self._running.append(member)

    def leave(self) -> None:
        """The oldest goes, in order: it finishes its batch and commits."""
        self._running.pop(0).stop()

    def wait_shared(self) -> None:
        """Block until every member has partitions. Raises ProcessFailed."""
        wait_until(lambda: members(self._kafka) == len(self), f"{len(self)} members have partitions", JOIN_SECONDS)

    def check(self) -> None:
        """Raise what a member failed with."""
        for member in self._running:
            if (failure := member.failure()) is not None:
                raise AssertionError("a consumer failed") from failure

    def stop(self) -> None:
        """All leave; raises what one of them failed with."""
        self.check()
        while self._running:
            self.leave()
        self._search.stop()
