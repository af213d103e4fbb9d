"""A process of the route dies under load: how long changes wait, and whether any is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import numpy as np

from freshet.bench.load import Plan, send
from freshet.bench.stamps import hops
from freshet.dead_letter_log import letters
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from freshet.stack.local import LocalStack
from freshet.stack.process import ProcessFailed, wait_until
from freshet.stack.supervisor import Supervisor
from tests.bench.routes.route import Route

RATE = 100.0
SECONDS = 25.0
KILL_AT = 5.0
LATE_MS = 500.0
CATCH_UP_SECONDS = 120.0
SETTLE_SECONDS = 30.0


def killed(stack: LocalStack, route: Route, contents: Iterator[str]) -> dict[str, Any]:
    """Send at RATE, kill after KILL_AT seconds, let the supervisor work. Blocks until all is written."""
    kafka = KafkaSettings(bootstrap=stack.bootstrap)
    before = len(letters(kafka))
    plan = Plan("kill", time.time_ns() + int(1e9), RATE, int(RATE * SECONDS))
    supervisor = Supervisor(stack)
    over = threading.Event()
    died: list[float] = []

    def strike() -> None:
        # Here, not in the thread of the load: what a thread starts dies with it.
        time.sleep(max(0.0, plan.start_ns / 1e9 + KILL_AT - time.time()))
        died.append(time.time())
        route.kill(stack)

    def load() -> None:
        with Publisher(kafka) as publisher:
            send(plan, publisher, contents)
        over.set()

    thread = threading.Thread(target=load)
    thread.start()
    strike()
    deadline = time.monotonic() + SECONDS + CATCH_UP_SECONDS
    while not over.wait(0.2) and time.monotonic() < deadline:
        supervisor.check()
    thread.join()

    def quiet() -> bool:
        supervisor.check()
        return not supervisor.down() and stack.backlog() == 0

    wait_until(quiet, "all is written after the kill", CATCH_UP_SECONDS)
    with suppress(ProcessFailed):
        # What the job holds in flight is in no topic.
        wait_until(lambda: len(_there(stack, plan)) == plan.events, "each event is there", SETTLE_SECONDS)
    there = _there(stack, plan)
    total = hops(stack.search_url, plan, there)["due → upserted"]
    due = np.array([plan.due_ns(number) / 1e9 for number in there])
    arrived = due + total / 1e3
    behind = np.sort(arrived[arrived > died[0]])
    late = due[total > LATE_MS]
    last_late = late[-1] - died[0] if len(late) else 0.0
    return {
        "gap_s": float(np.diff(np.concatenate([[died[0]], behind])).max()),
        "late": len(late),
        "worst_ms": float(total.max()),
        "recovered_s": float(last_late),
        "events": plan.events,
        "missing": plan.events - len(there),
        "dead": len(letters(kafka)) - before,
    }


def _there(stack: LocalStack, plan: Plan) -> list[int]:
    """Numbers of the events that can be found."""
    with httpx.Client(base_url=stack.search_url, timeout=10) as client:
        return [
            number
            for number in range(plan.events)
            if client.get(f"/documents/{plan.id(number)}").status_code == httpx.codes.OK
        ]
