"""The consumer as a service: its thread, its start and its end."""

from __future__ import annotations

import logging
import threading
import time

from consumers.dead_letter_sink import KafkaDeadLetters
from consumers.observer import Observer
from consumers.policies import POLICIES
from consumers.settings import ConsumerSettings
from consumers.source import KafkaSource
from consumers.upserter import Upserter
from freshet.clock import wall_clock
from freshet.errors import UnavailableError
from freshet.service import Resources
from freshet.settings import KafkaSettings
from freshet.store import CollectionInfo

DRAIN_SECONDS = 10

log = logging.getLogger(__name__)


class ConsumerService:
    """Implements ``freshet.service.Service``."""

    def __init__(self, resources: Resources, kafka: KafkaSettings, settings: ConsumerSettings) -> None:
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._observer = Observer(wall_clock, settings.policy, resources.changes.writer())
        embedder = resources.embedder
        self._source = KafkaSource(kafka, on_revoke=lambda partitions: self._upserter.release(partitions))
        self._upserter = Upserter(
            source=self._source,
            store=resources.store,
            dead_letters=KafkaDeadLetters(kafka),
            collection=CollectionInfo(embedder.model, embedder.revision, embedder.dimension),
            settings=settings,
            policy=POLICIES[settings.policy],
            observer=self._observer,
            clock=wall_clock,
            stopping=self._stop.is_set,
            ticks=time.monotonic_ns,
        )
        self._thread = threading.Thread(target=self._run, name="consumer")

    def start(self) -> None:
        self._thread.start()

    def failure(self) -> BaseException | None:
        return self._failure

    def state(self) -> dict[str, object]:
        return self._observer.state()

    def stop(self) -> None:
        """Finish the batch at hand, commit, leave the group."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(DRAIN_SECONDS)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._upserter.step()
            self._upserter.commit()
        except UnavailableError as error:
            log.warning("stopped before the last offsets were committed; they will be read again: %s", error)
        except BaseException as error:
            log.exception("the consumer cannot go on")
            self._failure = error
        finally:
            self._source.close()


def create(resources: Resources) -> ConsumerService:
    """Entry point: settings come from the environment."""
    return ConsumerService(resources, KafkaSettings(), ConsumerSettings())
