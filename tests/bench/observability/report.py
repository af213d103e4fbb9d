"""``docs/results/observability.md``."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from consumers.settings import ConsumerSettings
from tests.bench.observability.overhead import EVENTS, LOOK_SECONDS, PAIRS, Overhead
from tests.bench.observability.stress import PULSE_SECONDS, PULSES, RATE, SECONDS, SLOW_BY, Seen

WINDOW = int(ConsumerSettings().window_seconds)
"""Over which the policy's P99 is taken."""
CORES_AT = 450
"""Events a second that two cores take at most (docs/results/freshness.md), of which an event's whole cost follows."""


def page(seen: Sequence[Seen], cost: Overhead, stressed: str, machine: str) -> str:
    """Measured values only. ``stressed`` and ``machine`` describe where: of the last stress, and of the overhead."""
    rows = [
        f"| `{one.policy}` | {one.rho_of_change('p99', 'limit'):.2f} | {one.rho('p99', 'size', WINDOW):.2f} | "
        f"{one.rho('p99', 'limit'):.2f} | {one.rho('p99', 'size'):.2f} | "
        f"{_span(one, 'limit', 1)} | {_span(one, 'p99', 1e3)} |"
        for one in seen
    ]
    event = 2 / CORES_AT
    return f"""# Observability: what is seen under stress, and what seeing costs

## P99 against batch size

Real Kafka, Flink, model and consumer loop; a real Prometheus asks each second and gives all figures. {RATE} events a
second of 14 tokens for {SECONDS} s; in {PULSES} pulses of {PULSE_SECONDS} s the store takes {SLOW_BY * 1e3:g} ms for
each record. That is more than it can then keep up with: a pile grows, and only the limit bounds how long a batch takes.

![P99 and batch limit over time](observability.svg)

Spearman's ρ over the seconds of the run, of the batches' P99 and …

| policy | the limit's change | records a batch, {WINDOW} s later | the limit | records a batch | limit | P99, ms |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

- command: `python -m tests.bench.observability {" ".join(one.policy for one in seen)}`
{stressed}

**How to read it.** P99 and batch limit are inverse under stress, each policy in its way. `deadline`, the default,
computes the limit from what records cost at present: the limit is low in the very seconds in which P99 is high (third
column). `seed+1` looks at the P99 of its last {WINDOW} s and moves the limit by a factor each second: a high P99 goes
with a limit that *falls* (first column), not with a low one at once. Under both, batches are small one window later
(second column). In the same second what a batch holds goes *with* its P99 (fourth): a pile makes batches large, and
large batches of dear records are what takes long. One run each.

## What it costs

| what | figure |
| --- | --- |
| counting, job and consumer, one event in a batch of its own | {cost.counting * 1e6:.0f} µs of one core |
| of an event's processor time, {event * 1e3:.1f} ms (two cores, {CORES_AT}/s) | {cost.counting / event * 100:.1f} % |
| the pipeline's cores in use while nothing comes and nobody asks | {_cores(cost.alone)} |
| the same while Prometheus asks every 5 s (the default) and the monitor looks | {_cores(cost.asked)} |
| these two themselves | {_cores(cost.observers)} |
| cores that being watched takes, in all | {cost.watching:.3f} |
| of two cores | {cost.watching / 2 * 100:.1f} % |

Two cores that are busy lose so much throughput as others take of them: counting and being watched together cost
{(cost.counting / event + cost.watching / 2) * 100:.1f} % of it. What being asked costs depends on the series, not on
the load, so it is measured while nothing else happens, where it stands out: {PAIRS} pairs of {LOOK_SECONDS:g} s each,
in the order a b b a, after {EVENTS} events that bring every series into being; medians. Timing drains of 4,000 events
with and without Prometheus (the bench of commit fc523f6) gave 217 to 418 events a second, at random: no measure for
2 %. Counting cannot be switched off; its figure is measured alone, on batches of one record, where it is most.
Tracing of 1 % of the changes, the default where a collector is named, costs 0.1 % more ([tracing](tracing.md)).

- command: `python -m tests.bench.observability overhead`
{machine}
"""


def _span(seen: Seen, name: str, factor: float) -> str:
    values = np.array(seen.series[name]) * factor
    values = values[np.isfinite(values)]
    return f"{values.min():.0f}–{values.max():.0f}"


def _cores(looks: Sequence[float]) -> str:
    return f"{median(looks):.3f} ({', '.join(f'{look:.3f}' for look in looks)})"
