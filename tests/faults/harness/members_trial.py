"""One fault on broker, consumers and search alone: no Flink, no model, so that it is short and the store may be any."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from freshet.embedding import Embedder
from freshet.settings import KafkaSettings
from freshet.stack.lag import lags
from freshet.stack.process import ProcessFailed, wait_until
from freshet.topics import CONSUMER_GROUP
from tests.faults.harness.api import Api
from tests.faults.harness.canary import Canary, gap, recovery
from tests.faults.harness.checker import Finding, Kind, check
from tests.faults.harness.hindered_store import HinderedStore
from tests.faults.harness.ledger import Ledger
from tests.faults.harness.members import Members
from tests.faults.harness.observed import check_sample, dead_letters, dead_places, read_store
from tests.faults.harness.plan import Plan
from tests.faults.harness.vector_sender import VectorSender, chunks_of
from tests.faults.harness.verdict import Verdict
from tests.faults.harness.watcher import Watcher

IN_FLIGHT = 100
"""The least number of records on their way when something breaks."""
RATE = 200.0
"""Changes per second: no model has to keep up."""
UNDER_WAY = 150
WAIT_SECONDS = 60.0
SETTLE_SECONDS = 12.0


class MembersTrial:
    """``with under_load(): …; breaks(…)`` and then ``verify()``. The store and the topics are this trial's alone."""

    def __init__(
        self,
        fault: str,
        kafka: KafkaSettings,
        store: HinderedStore,
        members: Members,
        embedder: Embedder,
        seed: int,
        record: Callable[[Verdict], None],
    ) -> None:
        self.ledger = Ledger()
        self.store = store
        self.members = members
        self._fault = fault
        self._kafka = kafka
        self._embedder = embedder
        self._seed = seed
        self._record = record
        self._prefix = f"{fault.replace(' ', '-')}-{seed}"
        self._started = time.monotonic()
        self._in_flight = 0
        self._broken = self._started
        self._loaded_until = self._started

    @contextmanager
    def under_load(self, kafka: KafkaSettings | None = None, **options: object) -> Iterator[None]:
        """Load, searches and canaries for the length of the block.

        ``kafka`` is another way for the load to the broker, ``options`` are those of Plan.
        """
        self._sender = VectorSender(kafka or self._kafka, self.ledger, self._embedder)
        self._canary = Canary(self.members.url, self._sender, self._prefix, self._seed)
        self._watcher = Watcher(self.members.url, self._sender.recent, self._prefix, self._seed)
        self._sender.start(Plan(self._prefix, self._seed, **{"long": False, "rate": RATE, **options}))  # type: ignore[arg-type]
        self._canary.start()
        self._watcher.start()
        try:
            wait_until(lambda: self._sent() >= UNDER_WAY, "the load is under way", WAIT_SECONDS)
            yield
        finally:
            self._loaded_until = time.monotonic()
            for thread in (self._canary, self._watcher, self._sender):
                thread.stop()

    def breaks(self, action: Callable[[], object]) -> None:
        """Do it, with at least IN_FLIGHT records on their way."""
        wait_until(lambda: self._sent() >= 0 and self.in_flight() >= IN_FLIGHT, "enough is in flight", WAIT_SECONDS)
        self._in_flight = self.in_flight()
        self._broken = time.monotonic()
        action()

    def in_flight(self) -> int:
        """Records not acknowledged, or not committed by the group."""
        return self._sender.in_flight() + lags(self._kafka)[CONSUMER_GROUP]

    def stays_broken(self, seconds: float) -> None:
        """Block for that long, while the load goes on."""
        until = time.monotonic() + seconds
        wait_until(lambda: self._sent() >= 0 and time.monotonic() >= until, "the time is over", seconds + 10)

    def settle(self) -> None:
        """Load on until searches are fast again, at most SETTLE_SECONDS."""
        with suppress(ProcessFailed):
            wait_until(
                lambda: recovery(self._canary.found, self._broken) is not None, "searches are fast", SETTLE_SECONDS
            )

    def verify(self) -> Verdict:
        """Wait until the group has committed everything, compare, note the row; AssertionError for any finding."""
        wait_until(lambda: self._sent() >= 0 and lags(self._kafka)[CONSUMER_GROUP] == 0, "all is written", WAIT_SECONDS)
        expected = self.ledger.expectations()
        api = Api(self.members.url)
        store = read_store(api, self._prefix)
        findings = check(expected, store.documents, dead_places(dead_letters(self._kafka)), chunks_of)
        findings += check_sample(api, store.documents, self._seed)
        findings += self._watcher.sightings.findings
        api.close()
        if store.hidden:
            findings.append(Finding(Kind.LEFTOVER, self._prefix, f"{store.hidden} chunk points that nobody can find"))
        verdict = Verdict(
            fault=self._fault,
            seed=self._seed,
            events=len(self.ledger),
            in_flight=self._in_flight,
            findings=tuple(findings),
            duplicate_work=None,
            gap=gap(self._canary.found, self._broken, self._loaded_until),
            recovery=recovery(self._canary.found, self._broken),
            duration=time.monotonic() - self._started,
        )
        self._record(verdict)
        verdict.assert_clean()
        return verdict

    def _sent(self) -> int:
        self._sender.check()
        self.members.check()
        return len(self.ledger)
