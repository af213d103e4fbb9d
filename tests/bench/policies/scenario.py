"""What happens to the pipeline: when events are due, what the job costs, how the store behaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.bench.policies.calibrate import Calibration

Seconds = NDArray[np.float64]
RECORDING = Path(__file__).parent / "recording.json"
JOB_MS = 1.5
"""Of Flink and Kafka for one event beside the model: docs/results/freshness.md has 450/s as the highest rate."""
CACHED_MS = 0.3
"""Of an event whose vector the cache has."""
WAY_MS = 1.8
"""Producer to job and job to consumer, without any queue."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the store adds to each call from ``start`` to ``end``: so much, and so many times the cost per record."""

    start: float
    end: float
    fixed: float = 0.0
    per_item: float = 1.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Times in seconds from its start. Events due before 0 are a backlog: they are served, and count in no figure."""

    name: str
    story: str
    seconds: float
    due: Seconds
    embedded: Seconds
    """When each event reaches ``vector-embeddings``; sorted."""
    troubles: tuple[Trouble, ...] = ()
    calm_at: float = 0.0
    """When the last trouble ends: recovery counts from here."""


Rate = Callable[[float], float]


def scenarios(costs: Calibration, random: np.random.Generator) -> list[Scenario]:
    """All of them, the same for the same generator."""

    def model(tokens: int = 14) -> float:
        return (JOB_MS + costs.model_ms[str(tokens)]) / 1e3

    def made(
        name: str,
        story: str,
        seconds: float,
        rate: Rate,
        service: Rate,
        *troubles: Trouble,
        calm_at: float = 0.0,
        backlog: int = 0,
    ) -> Scenario:
        due = np.concatenate([np.full(backlog, -1.0), _poisson(rate, seconds, random)])
        job = np.array([service(at) for at in due]) * random.lognormal(0, 0.2, len(due))
        job[:backlog] = 0.0
        embedded = np.maximum(_queue(due, job) + WAY_MS / 1e3, 0.0)
        return Scenario(name, story, seconds, due, embedded, troubles, calm_at)

    def from_cache(_: float) -> float:
        return CACHED_MS / 1e3

    def short(_: float) -> float:
        return model()

    return [
        made("steady", "200/s, all is well", 60, lambda at: 200, short),
        made(
            "burst", "vectors from the cache: 200/s, ten times that for 5 s", 60,
            lambda at: 2_000 if 20 <= at < 25 else 200, from_cache, calm_at=25,
        ),
        made(
            "blip", "300/s; a call takes 400 ms longer, once every 10 s", 60, lambda at: 300, short,
            *(Trouble(at, at + 0.05, fixed=0.4) for at in range(10, 60, 10)), calm_at=50.05,
        ),
        made(
            "stall", "300/s; each call takes 150 ms longer for 10 s", 90, lambda at: 300, short,
            Trouble(20, 30, fixed=0.15), calm_at=30,
        ),
        made(
            "long stall", "300/s; each call takes 150 ms longer for 40 s", 90, lambda at: 300, short,
            Trouble(20, 60, fixed=0.15), calm_at=60,
        ),
        made(
            "slow per record", "320/s; a record costs 20 times as much for 20 s", 90, lambda at: 320, short,
            Trouble(20, 40, per_item=20), calm_at=40,
        ),
        made(
            "slow model", "250/s; the model takes 5 times as long for 10 s", 90, lambda at: 250,
            lambda at: (JOB_MS + costs.model_ms["14"] * (5 if 20 <= at < 30 else 1)) / 1e3, calm_at=30,
        ),
        made(
            "length shift", "80/s; from 14 to 157 tokens a text, and a record of twice the cost, after 20 s", 60,
            lambda at: 80, lambda at: model(14 if at < 20 else 157), Trouble(20, 60, per_item=2), calm_at=20,
        ),
        made(
            "cold start", "20,000 records wait, 200/s come; calls cost 3 times as much for 10 s", 60, lambda at: 200,
            short, Trouble(0, 10, fixed=2 * costs.fixed_ms / 1e3, per_item=3), calm_at=10, backlog=20_000,
        ),
        made(
            "distant store", "vectors from the cache, 1,000/s; each call takes 60 ms longer, always", 60,
            lambda at: 1_000, from_cache, Trouble(0, 1e9, fixed=0.06),
        ),
        recorded(),
    ]  # fmt: skip


def recorded() -> Scenario:
    """A real run's events, as ``python -m tests.bench.policies.record`` wrote them down."""
    kept = json.loads(RECORDING.read_text())
    due = np.cumsum(kept["due_ms_steps"]) / 1e3
    embedded = np.maximum.accumulate(due + np.array(kept["embedded_ms_after"]) / 1e3)
    return Scenario("recorded", kept["story"], float(np.ceil(embedded[-1])), due, embedded)


def _poisson(rate: Rate, seconds: float, random: np.random.Generator) -> Seconds:
    """Open loop: times at which events are due, independent of each other."""
    times: list[float] = []
    now = 0.0
    while (now := now + random.exponential(1 / rate(now))) < seconds:
        times.append(now)
    return np.array(times)


def _queue(due: Seconds, service: Seconds) -> Seconds:
    """When one server that takes them in order has done each."""
    done = np.empty(len(due))
    free = -np.inf
    for place, (at, cost) in enumerate(zip(due.tolist(), service.tolist(), strict=True)):
        free = max(at, free) + cost
        done[place] = free
    return done
