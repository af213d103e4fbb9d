"""One load on a running stack, and what came of it."""

from __future__ import annotations

import functools
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import numpy as np
from numpy.typing import NDArray

from freshet.bench.load import Plan, send
from freshet.bench.probe import Probe, watch_beside
from freshet.bench.stamps import hops
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings, Profile
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until

TAIL = 64
"""So many of the last events are in every partition, whose order holds to the end."""
LEAD_SECONDS = 3.0
"""Between planning and the first event: the prober's process starts meanwhile."""
CATCH_UP_SECONDS = 120.0

Milliseconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All in ms from when an event was due: its ``hops``, and of the first query that returned it, when it was asked
    and answered. ``unseen`` counts the probes that no query returned.
    """

    plan: Plan
    hops: dict[str, Milliseconds]
    asked: Milliseconds
    returned: Milliseconds
    unseen: int
    catch_up_seconds: float
    """From the last event's due time until nothing was left in the topics: large when the rate was too high."""


def run(
    stack: LocalStack,
    contents: Iterator[str],
    name: str,
    rate: float,
    events: int,
    *,
    probes_per_second: float,
    sample: int | None = None,
    profile: Profile = "low-latency",
) -> Outcome:
    """Send, probe, wait until all is searchable, read the stamps of ``sample`` events (all when None)."""
    plan = Plan(name, time.time_ns() + int(LEAD_SECONDS * 1e9), rate, events)
    load = list(itertools.islice(contents, events))
    step = max(1, round(rate / probes_per_second))
    probes = [Probe(number, load[number]) for number in range(step // 2, events, step)]
    probing = watch_beside(plan, probes, "127.0.0.1", stack.settings.search_port)
    with Publisher(KafkaSettings(bootstrap=stack.broker.bootstrap), profile) as publisher:
        send(plan, publisher, iter(load))
    with httpx.Client(base_url=stack.search_url, timeout=10) as search:
        arrived = functools.partial(_arrived, stack, search, plan)
        wait_until(arrived, f"{name} is searchable", CATCH_UP_SECONDS, stack.processes[:4])
    caught_up = time.time_ns()
    sights = probing.get(CATCH_UP_SECONDS)
    numbers = range(events) if sample is None else sorted(random.Random(1).sample(range(events), min(sample, events)))
    return Outcome(
        plan=plan,
        hops=dict(hops(stack.search_url, plan, numbers)),
        asked=np.array([sight.asked * 1e3 for sight in sights if sight is not None]),
        returned=np.array([sight.answered * 1e3 for sight in sights if sight is not None]),
        unseen=sum(sight is None for sight in sights),
        catch_up_seconds=(caught_up - plan.due_ns(events)) / 1e9,
    )


def _arrived(stack: LocalStack, search: httpx.Client, plan: Plan) -> bool:
    """Also what the job holds in flight, which is in no topic."""
    if stack.backlog():
        return False
    tail = range(max(0, plan.events - TAIL), plan.events)
    return all(search.get(f"/documents/{plan.id(number)}").status_code == httpx.codes.OK for number in tail)
