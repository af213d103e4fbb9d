"""One fault on one stack: set up under load, break, verify."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from freshet.dead_letter_log import StoredLetter
from freshet.settings import KafkaSettings, Profile
from freshet.stack.lag import lags
from freshet.stack.process import ProcessFailed, StackProcess, wait_until
from freshet.topics import CONSUMER_GROUP, JOB_GROUP
from tests.faults.harness.api import Api
from tests.faults.harness.canary import Canary, gap, recovery
from tests.faults.harness.checker import Finding, Kind, check
from tests.faults.harness.embeddings import EmbeddingMeter
from tests.faults.harness.keeper import all_runs
from tests.faults.harness.lab import Lab
from tests.faults.harness.ledger import Ledger
from tests.faults.harness.observed import check_sample, dead_letters, dead_places, hidden_chunks, read_store
from tests.faults.harness.plan import Plan
from tests.faults.harness.quiet import quiesce
from tests.faults.harness.sender import Sender
from tests.faults.harness.verdict import Verdict
from tests.faults.harness.watcher import Watcher

IN_FLIGHT = 100
"""The least number of records on their way when something breaks."""
PILE = 300
PILE_SECONDS = 30.0
UNDER_WAY = 150
RECOVERY_SECONDS = 120.0
REPORT = "FRESHET_FAULTS_REPORT"
"""A file for the table; without it none is written."""
SETTLE_SECONDS = 12.0 if REPORT in os.environ else 3.0
"""Where no report is written, nobody reads how long the recovery took."""
MOMENT_SECONDS = 0.05
"""A kill comes at a moment within this time, chosen by the seed."""


class Trial:
    """``with under_load(): …; breaks(…)`` and then ``verify()``. The supervisor works all the while, from ``open``."""

    def __init__(self, lab: Lab, fault: str, record: Callable[[Verdict], None]) -> None:
        self.lab = lab
        self.stack = lab.stack
        self.seed = lab.seed
        self.fault = fault
        self.prefix = f"{fault.replace(' ', '-')}-{lab.seed}"
        self.ledger = Ledger()
        self.sender: Sender
        self.watcher: Watcher | None = None
        self.canary: Canary | None = None
        self.dead: list[StoredLetter] = []
        """The dead letters of this fault that were not redriven, once it is judged."""
        self._record = record
        self._choose = random.Random(lab.seed)
        self._in_flight = 0
        self._broken: float | None = None
        self._loaded_until = 0.0

    def open(self) -> None:
        """Before anything else: note what the stack holds of earlier faults."""
        self._started = time.monotonic()
        self.lab.keeper.begin()
        self._meter = EmbeddingMeter(self.lab.metrics_url)
        self._dead_before = max((one.offset for one in dead_letters(self.lab.kafka)), default=-1)
        api = Api(self.stack.search_url)
        self._hidden_before = hidden_chunks(api)
        api.close()

    def close(self) -> None:
        """Block until the supervisor has brought back what is down. Raises ProcessFailed when it cannot."""
        wait_until(lambda: all_runs(self.stack), f"everything runs again after {self.fault}", RECOVERY_SECONDS)

    @contextmanager
    def under_load(
        self,
        profile: Profile = "low-latency",
        kafka: KafkaSettings | None = None,
        watched: bool = True,
        **options: object,
    ) -> Iterator[None]:
        """Load, searches and canaries for the length of the block, and behind it until the system has recovered.

        ``kafka`` is another way for the load to the broker, ``watched`` is False where searches may see an older
        state, ``options`` are those of Plan.
        """
        self.sender = Sender(kafka or self.lab.kafka, self.ledger, profile)
        self.canary = Canary(self.stack.search_url, self.sender, self.prefix, self.seed)
        self.watcher = Watcher(self.stack.search_url, self.sender.recent, self.prefix, self.seed)
        self.sender.start(Plan(self.prefix, self.seed, **options))  # type: ignore[arg-type]
        threads = (self.canary, self.watcher, self.sender)
        self.canary.start()
        if watched:
            self.watcher.start()
        try:
            wait_until(lambda: len(self.ledger) >= UNDER_WAY, "the load is under way", PILE_SECONDS)
            yield
            self._settle()
        except BaseException:
            for thread in threads:
                with suppress(Exception):
                    thread.stop()
            raise
        self._loaded_until = time.monotonic()
        for thread in threads:
            thread.stop()

    def pile_up(self, process: StackProcess) -> None:
        """Hold up the process until PILE records wait for it; it works on them when this returns."""
        group = JOB_GROUP if process is self.stack.taskmanager else CONSUMER_GROUP
        with process.frozen():
            wait_until(lambda: self._lag(group) >= PILE, f"{PILE} records wait for {process.name}", PILE_SECONDS)
            self._in_flight = self.in_flight()
        time.sleep(self._choose.uniform(0, MOMENT_SECONDS))

    def breaks(self, action: Callable[[], object], in_flight: int | None = None) -> None:
        """Do it, with at least IN_FLIGHT records on their way: as given, those of ``pile_up``, or as many as now."""
        self._in_flight = in_flight or self._in_flight or self.in_flight()
        assert self._in_flight >= IN_FLIGHT, f"only {self._in_flight} records are in flight"
        self._broken = time.monotonic()
        action()

    def stays_broken(self, seconds: float) -> None:
        """Block for that long, while the load goes on."""
        until = time.monotonic() + seconds
        wait_until(lambda: self._sent() >= 0 and time.monotonic() >= until, "the time is over", seconds + 10)

    def in_flight(self) -> int:
        """Records sent and not acknowledged, or not committed by the reader of their topic."""
        return self.sender.in_flight() + sum(lags(self.lab.kafka).values())

    def wait_sent(self, more: int) -> None:
        """Block until so many further changes are acknowledged."""
        wanted = len(self.ledger) + more
        wait_until(lambda: self._sent() >= wanted, f"{more} more changes are acknowledged", RECOVERY_SECONDS)

    def quiet(self) -> None:
        """Block until all that was published is written or dead. Raises AssertionError that says what is missing."""
        quiesce(self.lab, self.ledger, self.prefix)

    def verify(self) -> Verdict:
        """Wait until all is quiet, compare, note the row, and raise AssertionError for any finding."""
        verdict = self.judge()
        verdict.assert_clean()
        return verdict

    def judge(self) -> Verdict:
        """``verify`` without the error, for a fault that may break the promise. Call it once."""
        self.quiet()
        expected = self.ledger.expectations()
        api = Api(self.stack.search_url)
        try:
            store = read_store(api, self.prefix)
            self.dead = dead_letters(self.lab.kafka, self._dead_before)
            findings = check(expected, store.documents, dead_places(self.dead), self.lab.chunks_of)
            findings += check_sample(api, store.documents, self.seed)
        finally:
            api.close()
        if self._hidden_before is not None and (store.hidden or 0) > self._hidden_before:
            detail = f"{(store.hidden or 0) - self._hidden_before} chunk points that nobody can find"
            findings.append(Finding(Kind.LEFTOVER, self.prefix, detail))
        if self.watcher is not None:
            findings += self.watcher.sightings.findings
        verdict = self._verdict(findings)
        self._record(verdict)
        return verdict

    def _verdict(self, findings: list[Finding]) -> Verdict:
        changes = [one for each in self.ledger.expectations().values() for one in (*each.acknowledged, *each.unknown)]
        embedded = self._meter.stop()
        needed = self.lab.new_chunks([change.text for change in changes if change.op == "upsert"])
        found = self.canary.found if self.canary is not None else []
        broken = self._broken
        start = self._started if broken is None else broken
        return Verdict(
            fault=self.fault,
            seed=self.seed,
            events=len(self.ledger),
            in_flight=self._in_flight,
            findings=tuple(findings),
            duplicate_work=max(0, embedded - needed),
            gap=gap(found, start, self._loaded_until) if found and start < self._loaded_until else None,
            recovery=None if broken is None else recovery(found, broken),
            duration=time.monotonic() - self._started,
            embedded=(embedded, needed),
        )

    def _settle(self) -> None:
        """Load on until searches are fast again, at most SETTLE_SECONDS after all processes are back."""
        wait_until(lambda: all_runs(self.stack), f"everything runs again after {self.fault}", RECOVERY_SECONDS)
        canary, broken = self.canary, self._broken
        if canary is not None and broken is not None:
            with suppress(ProcessFailed):
                wait_until(lambda: recovery(canary.found, broken) is not None, "searches are fast", SETTLE_SECONDS)

    def _sent(self) -> int:
        self.sender.check()
        return len(self.ledger)

    def _lag(self, group: str) -> int:
        self.sender.check()
        return lags(self.lab.kafka)[group]
