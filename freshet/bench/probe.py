"""What a user waits for: from the moment an event was due to the answer of a query that returns it."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import time
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.pool import AsyncResult

from freshet.bench.load import Plan

GIVE_UP_SECONDS = 10.0
HEAD_START_SECONDS = 0.004
"""A query looks into the store some 2 ms after it was asked, when it has its vector, and most events are there after 5
to 6 ms. Whoever asks too soon asks again only when that is answered, 8 ms later."""

ASK_AGAIN_SECONDS = 0.002
ASK_AGAIN_SHARE = 0.05
"""Between two queries for one event: the longer of these seconds and this share of the event's age, so that a stall is
not met with a storm of queries, which would make it longer."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Event ``number``, whose text is ``text``."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Of the first query that returned an event: seconds from due until it was asked, and until it was answered."""

    asked: float
    answered: float


def watch(plan: Plan, probes: Sequence[Probe], host: str, port: int) -> list[Sight | None]:
    """One per probe; None where it was not found. Blocks until all are; one at a time."""
    connection = http.client.HTTPConnection(host, port, timeout=GIVE_UP_SECONDS)
    sights: list[Sight | None] = []
    for probe in probes:
        due = plan.due_ns(probe.number)
        pause = due / 1e9 + HEAD_START_SECONDS - time.time()
        if pause > 0:
            time.sleep(pause)
        sights.append(_until_found(connection, plan.id(probe.number), probe.text, due))
    connection.close()
    return sights


def watch_beside(plan: Plan, probes: Sequence[Probe], host: str, port: int) -> AsyncResult[list[Sight | None]]:
    """``watch`` in a process of its own, so that it does not hold up the load."""
    pool = multiprocessing.get_context("spawn").Pool(1)
    result = pool.apply_async(watch, (plan, probes, host, port))
    pool.close()
    return result


def _until_found(connection: http.client.HTTPConnection, wanted: str, text: str, due_ns: int) -> Sight | None:
    path = "/search?" + urllib.parse.urlencode({"q": text, "k": 1})
    while time.time_ns() - due_ns < GIVE_UP_SECONDS * 1e9:
        asked = time.time_ns()
        connection.request("GET", path)
        results = json.loads(connection.getresponse().read())["results"]
        answered = time.time_ns()
        if results and results[0]["id"] == wanted:
            return Sight((asked - due_ns) / 1e9, (answered - due_ns) / 1e9)
        time.sleep(max(ASK_AGAIN_SECONDS, ASK_AGAIN_SHARE * (answered - due_ns) / 1e9))
    return None
