"""Sends a plan open loop: each step when it is due, whether or not the earlier ones were acknowledged."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from freshet.errors import FreshetError, RejectedRecord
from freshet.publishing import Publisher, Receipt
from freshet.publishing.records import Delivered, RecordProducer
from freshet.settings import KafkaSettings, Profile
from freshet.topics import DOCUMENTS
from tests.faults.harness.ledger import Change
from tests.faults.harness.plan import Plan, Step, steps
from tests.faults.harness.poison import Poison

FLUSH_SECONDS = 40.0
RECENT = 200


class Record(Protocol):
    """Where what was sent is noted: a Ledger, or a Journal on disk."""

    def sent(self, change: Change) -> None: ...

    def acknowledged(self, change: Change) -> None: ...


class PoisonPlace(NamedTuple):
    """An acknowledged poison record."""

    poison: Poison
    partition: int
    offset: int


class Sender:
    """``start``, then ``stop``. A change without a delivery report stays unknown: it may or may not be written."""

    def __init__(self, kafka: KafkaSettings, ledger: Record, profile: Profile = "low-latency") -> None:
        self._records = RecordProducer(kafka, profile)
        self._publisher = Publisher(records=self._records)
        self._ledger = ledger
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._recent: deque[Change] = deque(maxlen=RECENT)
        self.poisoned: list[PoisonPlace] = []
        """In the order of their reports."""

    def start(self, plan: Plan) -> None:
        self._thread = threading.Thread(target=self._run, args=(plan,), name="load", daemon=True)
        self._thread.start()

    def run(self, plan: Plan) -> None:
        """Block, sending, until ``stop`` is called from elsewhere."""
        start = time.monotonic()
        for number, step in enumerate(steps(plan)):
            early = start + number / plan.rate - time.monotonic()
            if self._stop.wait(max(0.0, early)):
                return
            ahead = plan.skew_ns if number % 2 else -plan.skew_ns
            self.send(step, plan.prefix, time.time_ns() + ahead)

    def send(self, step: Step, source: str = "", committed_ns: int | None = None) -> Future[Receipt] | None:
        """One step, at once. The Future of a change; None for poison, and where nothing could be sent."""
        if isinstance(step, Poison):
            self._send_poison(step)
            return None
        self._ledger.sent(step)
        self._recent.append(step)
        try:
            future = (
                self._publisher.delete(step.document_id, step.version, source=source, committed_ns=committed_ns)
                if step.op == "delete"
                else self._publisher.publish(
                    step.document_id,
                    step.text,
                    version=step.version,
                    source=source,
                    metadata={"doc": step.document_id},
                    committed_ns=committed_ns,
                )
            )
        except RejectedRecord:
            raise
        except FreshetError:
            return None
        future.add_done_callback(lambda done: None if done.exception() else self._ledger.acknowledged(step))
        return future

    def recent(self) -> list[Change]:
        """The last changes sent."""
        return list(self._recent.copy())

    def in_flight(self) -> int:
        """Records without a delivery report."""
        return self._publisher.in_flight()

    def check(self) -> None:
        """Raise what ended the load."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Block until every record has its report, or FLUSH_SECONDS. Raises what ended the load. May be repeated."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(FLUSH_SECONDS)
        self._publisher.close(FLUSH_SECONDS)
        self.check()

    def _run(self, plan: Plan) -> None:
        try:
            self.run(plan)
        except BaseException as error:
            self._failure = error

    def _send_poison(self, step: Poison) -> None:
        def report(outcome: Delivered | FreshetError) -> None:
            if isinstance(outcome, Delivered):
                self.poisoned.append(PoisonPlace(step, outcome.partition, outcome.offset))

        self._records.send(DOCUMENTS.name, step.key, step.value, list(step.headers), report)
