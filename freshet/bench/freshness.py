"""The figures of the product: latency at a steady rate, and the highest rate that keeps the promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from freshet.bench.machine import describe
from freshet.bench.model import raw_rate
from freshet.bench.probe import HEAD_START_SECONDS
from freshet.bench.run import Milliseconds, Outcome, run
from freshet.bench.tables import percentiles, table
from freshet.bench.texts import texts
from freshet.embedding.load import load_embedder
from freshet.settings import model_settings
from freshet.stack.local import LocalStack
from freshet.stack.process import resident_bytes

TOKENS = 14
PROMISE_MS = 100.0
GOALS_MS = {50: 8.0, 99: 30.0}
"""At the steady rate, until an event is searchable: milliseconds by percentile."""
GOAL_RATE = 450.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is measured. Rates in events per second."""

    steady_rate: float = 100
    steady_events: int = 20_000
    ceiling_rates: tuple[float, ...] = (200, 250, 300, 350, 400, 450, 500)
    ceiling_seconds: float = 15
    warm_up_events: int = 10_000


def measure(stack: LocalStack, scope: Scope, out: Path, command: str, say: Say) -> None:
    """Write ``freshness.md`` into ``out``. Blocks for minutes."""
    machine = describe()
    contents = texts(load_embedder(model_settings()), TOKENS, seed=1)
    say(f"warming up: {scope.warm_up_events} events")
    run(stack, contents, "warm", 200, scope.warm_up_events, probes_per_second=10, sample=10)
    say(f"steady: {scope.steady_events} events at {scope.steady_rate:g}/s")
    steady = run(stack, contents, "steady", scope.steady_rate, scope.steady_events, probes_per_second=20)
    memory = _memory(stack)
    climbed: list[Outcome] = []
    for rate in scope.ceiling_rates:
        events = int(rate * scope.ceiling_seconds)
        outcome = run(stack, contents, f"rate-{rate:g}", rate, events, probes_per_second=5, sample=2_000)
        climbed.append(outcome)
        say(f"{rate:g}/s: p99 {_p99(outcome):.0f} ms")
        if _p99(outcome) > 5 * PROMISE_MS:
            break
    raw = raw_rate(TOKENS)
    out.mkdir(parents=True, exist_ok=True)
    (out / "freshness.md").write_text(_report(command, machine, scope, steady, climbed, raw, memory))
    say(f"written to {out / 'freshness.md'}")


def rows_of(outcome: Outcome) -> dict[str, Milliseconds]:
    """The hops, then what queries saw."""
    return {
        **outcome.hops,
        "due → asked by the first query that returned it": outcome.asked,
        "**due → returned by a query**": outcome.returned,
    }


def _p99(outcome: Outcome) -> float:
    """Of both views of the same events: the stamps, and the queries that returned them."""
    if outcome.unseen or not len(outcome.returned):
        return float("inf")
    return max(float(np.percentile(outcome.hops["due → upserted"], 99)), float(np.percentile(outcome.returned, 99)))


def _against_goals(steady: Outcome, best: float) -> list[list[str]]:
    def said(reached: float, met: bool, unit: str) -> str:
        return f"{'' if met else 'missed: '}**{reached:.1f} {unit}**"

    rows = [
        [
            f"{steady.plan.rate:g}/s: p{share} ≤ {goal:g} ms to searchable",
            *(
                said(value := float(np.percentile(view, share)), value <= goal, "ms")
                for view in (steady.asked, steady.returned)
            ),
        ]
        for share, goal in GOALS_MS.items()
    ]
    rate = said(best, best >= GOAL_RATE, "events/s")
    return [*rows, [f"≥ {GOAL_RATE:g} events/s with p99 < {PROMISE_MS:g} ms", rate, rate]]


def _memory(stack: LocalStack) -> dict[str, int]:
    return {one.name: resident_bytes(psutil.Process(one.pid)) >> 20 for one in stack.processes if one.alive}


def _report(
    command: str,
    machine: str,
    scope: Scope,
    steady: Outcome,
    climbed: list[Outcome],
    raw: float,
    memory: dict[str, int],
) -> str:
    best = max((one.plan.rate for one in climbed if _p99(one) < PROMISE_MS), default=0.0)
    rows = [
        [
            f"{one.plan.rate:g}",
            str(one.plan.events),
            *(f"{np.percentile(one.hops['due → upserted'], share):.1f}" for share in (50, 99)),
            *(f"{np.percentile(one.returned, share):.1f}" if len(one.returned) else "–" for share in (50, 99)),
            str(one.unseen),
            f"{one.catch_up_seconds:.1f}",
        ]
        for one in climbed
    ]
    head = ["events/s", "events", "upserted p50", "p99", "returned p50", "p99", "probes unseen", "catch-up s"]
    return f"""# Freshness

Open loop: an event counts from when it was due, also when it was sent late. *Upserted* is the consumer's stamp just
before the store's write; *returned* is the end of the HTTP answer of the first query that has the event as its best
hit, asked every few ms from {HEAD_START_SECONDS * 1e3:g} ms after it was due. Everything runs on the one machine, load
and queries included.

- command: `{command}`
{machine}
- load: texts of {TOKENS} tokens, each different, after {scope.warm_up_events} events of warm-up; int8 MiniLM

## {scope.steady_rate:g} events/s

{percentiles(rows_of(steady))}

Probes not found: {steady.unseen}. Each hop's row is over all events; queries returned a sample of them.

## The highest rate

{table(head, rows)}

Highest rate with p99 < {PROMISE_MS:g} ms in both views: **{best:g}/s**. The model alone, one process per core and
nothing else running: {raw:.0f}/s, so the whole pipeline reaches **{best / raw:.2f}** of it on the same cores.

## Against the goals

{table(["goal", "when asked", "when answered"], _against_goals(steady, best))}

*When asked*: the event was there for a query asked then. *When answered*: with the time that the query itself took, its
embedding included.

## Memory

{table(["process", "resident MB"], [[name, str(size)] for name, size in memory.items()])}

Together: **{sum(memory.values())} MB**.
"""
