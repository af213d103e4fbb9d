"""An open-loop load: events leave when they are due, whether or not the earlier ones have arrived."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from freshet.publishing import Publisher, Receipt


@dataclass(frozen=True, slots=True)
class Plan:
    """Event ``number`` is due at ``start_ns + number / rate``. All of a plan's ids start with ``name``."""

    name: str
    start_ns: int
    rate: float
    events: int

    def due_ns(self, number: int) -> int:
        return self.start_ns + int(number / self.rate * 1e9)

    def id(self, number: int) -> str:
        return f"{self.name}/{number}"

    @property
    def seconds(self) -> float:
        return self.events / self.rate


def send(plan: Plan, publisher: Publisher, contents: Iterator[str]) -> None:
    """Block until the last event is acknowledged. The source's commit stamp is the time at which each was due."""
    reports: list[Future[Receipt]] = []
    # A full collection over all the reports takes 280 ms, which would count as the pipeline's.
    gc.disable()
    try:
        _send(plan, publisher, contents, reports)
    finally:
        gc.enable()
    for report in reports:
        report.result(60)


def _send(plan: Plan, publisher: Publisher, contents: Iterator[str], reports: list[Future[Receipt]]) -> None:
    for number in range(plan.events):
        due = plan.due_ns(number)
        if (early := due - time.time_ns()) > 0:
            time.sleep(early / 1e9)
        reports.append(publisher.publish(plan.id(number), next(contents), version=1, source="bench", committed_ns=due))
