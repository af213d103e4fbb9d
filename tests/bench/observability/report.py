"""``docs/results/observability.md``."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import numpy as np

from tests.bench.observability.overhead import EVENTS, PAIRS, Overhead
from tests.bench.observability.stress import PULSE_SECONDS, PULSES, RATE, SECONDS, SLOW_BY, Seen

CORES_AT = 450
"""Events a second that two cores take at most (docs/results/freshness.md), of which an event's whole cost follows."""


def page(seen: Sequence[Seen], cost: Overhead, stressed: str, machine: str) -> str:
    """Measured values only. ``stressed`` and ``machine`` describe where: of the last stress, and of the overhead."""
    rows = [
        f"| `{one.policy}` | {one.rho('p99', 'limit'):.2f} | {one.rho('p99', 'size'):.2f} | "
        f"{one.rho('fresh', 'limit'):.2f} | {_span(one, 'limit', 1)} | {_span(one, 'p99', 1e3)} |"
        for one in seen
    ]
    event = 2 / CORES_AT
    return f"""# Observability: what is seen under stress, and what seeing costs

## P99 against batch size

Real Kafka, Flink, model and consumer loop; a real Prometheus asks each second and gives all figures. {RATE} events a
second of 14 tokens for {SECONDS} s; in {PULSES} pulses of {PULSE_SECONDS} s the store takes {SLOW_BY * 1e3:g} ms
for each record. That is more than it can then keep up with: a pile grows, and only the limit bounds how long a
batch takes.

![P99 and batch limit over time](observability.svg)

Spearman's ρ over the seconds of the run, of P99 and …

| policy | the limit | records in a batch | P99 of freshness and limit | limit | P99, ms |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

- command: `python -m tests.bench.observability {" ".join(one.policy for one in seen)}`
{stressed}

The limit and the P99 are the gauges that the policy itself sees: over ten seconds, which is why P99 stays high for ten
seconds after a pulse. ρ of the records that a batch really held is another matter: without a pile a batch holds what
has arrived, however high the limit is, and with a pile it holds more and takes longer.

## What it costs

| what | figure |
| --- | --- |
| counting, job and consumer, one event in a batch of its own | {cost.counting * 1e6:.0f} µs of one core |
| of an event's processor time, {event * 1e3:.1f} ms (two cores, {CORES_AT}/s) | {cost.counting / event * 100:.1f} % |
| events a second with Prometheus and the monitor stopped | {_rates(cost.alone)} |
| the same while they ask every 5 s (the default) | {_rates(cost.watched)} |
| throughput lost by being watched | {cost.lost * 100:.1f} % |

{EVENTS} events of 14 tokens published at once, timed until the last is in the store; {PAIRS} pairs, in the order
a b b a. The spread of the runs says how much of the difference is noise. Counting cannot be switched off; its figure is
measured alone, on batches of one record, where it is most.

- command: `python -m tests.bench.observability overhead`
{machine}
"""


def _span(seen: Seen, name: str, factor: float) -> str:
    values = np.array(seen.series[name]) * factor
    values = values[np.isfinite(values)]
    return f"{values.min():.0f}–{values.max():.0f}"


def _rates(rates: Sequence[float]) -> str:
    return f"{mean(rates):.0f}/s ({', '.join(f'{rate:.0f}' for rate in rates)})"
