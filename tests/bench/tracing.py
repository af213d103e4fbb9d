"""What tracing costs the writer of the store: ``python -m tests.bench.tracing > docs/results/tracing.md``."""

from __future__ import annotations

import time

from freshet.bench.machine import describe
from freshet.changes import Listener, WrittenBatch
from freshet.headers import EMBEDDED, PUBLISHED, SOURCE_COMMIT, UPSERTED, new_traceparent
from freshet.store import Head
from freshet.tracing.change import ChangeTracer
from freshet.tracing.spans import Spans
from tests.integration.collector import Collector

CHANGES = 50_000
PER_BATCH = 10
HIGHEST_RATE = 450
"""Changes per second of the whole pipeline on two cores: docs/results/freshness.md."""


def batches(share: float) -> list[WrittenBatch]:
    now = time.time_ns()
    stamps = {SOURCE_COMMIT: now - 20_000_000, PUBLISHED: now - 18_000_000, EMBEDDED: now - 6_000_000, UPSERTED: now}
    heads = [
        Head(f"bench/{number}", number, chunks=1, stamps=stamps, traceparent=new_traceparent(share))
        for number in range(CHANGES)
    ]
    return [
        WrittenBatch(PER_BATCH, now - 2_000_000, now, tuple(heads[start : start + PER_BATCH]))
        for start in range(0, CHANGES, PER_BATCH)
    ]


def microseconds(listener: Listener, share: float) -> float:
    """Processor time of the whole process per change, so that the sending in the background counts as well."""
    work = batches(share)
    before = time.process_time()
    for batch in work:
        listener(batch)
    return (time.process_time() - before) / CHANGES * 1e6


def traced(endpoint: str, share: float) -> float:
    spans = Spans(endpoint)
    cost = microseconds(ChangeTracer(spans), share)
    before = time.process_time()
    spans.close()
    return cost + (time.process_time() - before) / CHANGES * 1e6


def main() -> None:
    collector = Collector()
    collector.start()
    rows = [("none: a listener that does nothing", microseconds(lambda _: None, 0.01))]
    for share in (0.0, 0.01, 0.1, 1.0):
        rows.append((f"{share:.0%} of the changes", traced(collector.url, share)))
    collector.stop()
    rows.append(("1% of the changes, collector away", traced(collector.url, 0.01)))
    budget = 2e6 / HIGHEST_RATE
    print(
        f"""# What tracing costs

Command: `python -m tests.bench.tracing > docs/results/tracing.md`

{describe()}
- load: {CHANGES:,} changes in batches of {PER_BATCH}, as fast as they go

Processor time of the process that writes the store, per change. It includes the receiving end, which is a thread of the
same process here. The share is that of the {budget:,.0f} µs that a change takes of both cores at {HIGHEST_RATE} changes
per second, the highest rate of the whole pipeline ([freshness](freshness.md)). Tracing is off unless a collector is
named; then 1 % of the changes are traced by default. At 100 % and this speed, spans that find no room are dropped.

| traced | µs per change | share |
| --- | --- | --- |"""
    )
    for name, cost in rows:
        print(f"| {name} | {cost:.2f} | {cost / budget:.2%} |")


if __name__ == "__main__":
    main()
