"""The figures as a page."""

from __future__ import annotations

import json
from collections.abc import Mapping

from freshet.bench.machine import describe
from freshet.bench.tables import table
from tests.bench.policies import live
from tests.bench.policies.calibrate import Calibration
from tests.bench.policies.figures import DEFINITIONS, Figures
from tests.bench.policies.scenario import CACHED_MS, JOB_MS, RECORDING, WAY_MS, Scenario

REFERENCE = "seed+1"
WORSE = 0.05
MISS_FLOOR, MS_FLOOR = 0.05, 2.0
"""Differences below these (points of miss %, milliseconds) are noise."""

Results = Mapping[str, Mapping[str, Figures]]
"""By scenario, then by policy."""


def page(results: Results, told: list[Scenario], costs: Calibration, command: str, seeds: int) -> str:
    parts = [_head(costs, command, seeds), "## Against `seed+1`", _against(results)]
    for scenario in told:
        parts += [
            f"## {scenario.name[0].upper()}{scenario.name[1:]}",
            f"{scenario.story}.",
            _rows(results[scenario.name]),
        ]
    parts += ["## Latency against batch size", _plots(results), "## Live", _live(), "## Calibration", _costs(costs)]
    return "\n\n".join(parts) + "\n"


def _head(costs: Calibration, command: str, seeds: int) -> str:
    return f"""# Batch-size policies

What sets the most records that one batch of the consumer may hold (`FRESHET_CONSUMER_POLICY`). Simulated: the
consumer's own limit, window and policies on a clock of their own; the store, the job and the model cost what was
measured ([below](#calibration)). Every policy meets the same events and the same store. `fixed 500` is no policy but
the question whether one is needed.

- command: `{command}`
{describe()}
- seeds: 1 to {seeds}; figures are means over them, recovery the worst
- the job: {JOB_MS} ms an event and the model's time, one after the other; {CACHED_MS} ms where the cache has the
  vector; {WAY_MS} ms on the way

{DEFINITIONS}"""


def _rows(found: Mapping[str, Figures]) -> str:
    head = ["policy", "miss %", "p99.9 ms", "recovery s", "unserved", "turns", "limit"]
    return table(
        head,
        [
            [
                f"`{name}`" if " " not in name else name,
                f"{one.miss:.2f}",
                f"{one.p999 * 1e3:.0f}",
                _recovery(one.recovery),
                f"{one.unserved:.0f}",
                f"{one.turns:.1f}",
                f"{one.lowest}–{one.highest}",
            ]
            for name, one in found.items()
        ],
    )


def _recovery(seconds: float | None) -> str:
    return "–" if seconds is None else "never" if seconds == float("inf") else f"{seconds:.0f}"


def _against(results: Results) -> str:
    rows = []
    for policy in next(iter(results.values())):
        if policy == REFERENCE:
            continue
        better: list[str] = []
        worse: list[str] = []
        for name, found in results.items():
            mine, other = found[policy], found[REFERENCE]
            changes = [
                (mine.miss - other.miss, other.miss, MISS_FLOOR, "miss %"),
                ((mine.p999 - other.p999) * 1e3, other.p999 * 1e3, MS_FLOOR, "p99.9"),
            ]
            for change, base, floor, what in changes:
                if abs(change) <= max(floor, WORSE * base):
                    continue
                ratio = f"{change / base:+.0%}" if base else f"{change:+.2f}"
                (worse if change > 0 else better).append(f"{name} ({what} {ratio})")
        rows.append(
            [
                f"`{policy}`" if " " not in policy else policy,
                "; ".join(worse) or "nowhere",
                "; ".join(better) or "nowhere",
            ]
        )
    note = (
        f"By more than {WORSE:.0%} in miss % or p99.9, and by more than {MISS_FLOOR} points or {MS_FLOOR:g} ms. In "
        "every scenario that a row does not name, the choice makes no difference to speak of."
    )
    return f"{note}\n\n{table(['policy', 'worse in', 'better in'], rows)}"


def _plots(results: Results) -> str:
    names = [name for name in next(iter(results.values())) if " " not in name]
    return "\n\n".join(f"![{name}: latency against batch size](policies/{file_name(name)})" for name in names)


def file_name(policy: str) -> str:
    return policy.replace("+", "-plus-") + ".svg"


def _live() -> str:
    if not live.FILE.is_file():
        return "Not run."
    kept = json.loads(live.FILE.read_text())
    head = ["policy", "miss %", "p99 ms", "p99 before, ms", "recovery s", "limit from–to, at the end"]
    rows = [
        [
            f"`{row['policy']}`",
            f"{row['miss']:.2f}",
            f"{row['p99_ms']:.0f}",
            f"{row['p99_before_ms']:.0f}",
            f"{row['recovery_s']}",
            "{}–{}, {}".format(*row["limits"]),
        ]
        for row in kept["rows"]
    ]
    usual = f"{live.RATE}/s of 14-token texts for {live.SECONDS} s"
    trouble = (
        f"from second {live.SLOW_FROM:g} to {live.SLOW_UNTIL:g} each write to the store takes {live.SLOW_BY * 1e3:g} ms"
    )
    return f"""The two best on the real stack, one after the other in one run: {usual};
{trouble} longer.

- command: `{kept["command"]}`
{kept["machine"]}

{table(head, rows)}

{kept.get("note", "")}""".rstrip()


def _costs(costs: Calibration) -> str:
    recorded = json.loads(RECORDING.read_text())
    sizes = table(
        ["records in the batch", *costs.batch_ms], [["ms, median", *(f"{ms:.1f}" for ms in costs.batch_ms.values())]]
    )
    models = ", ".join(f"{tokens} tokens {ms:.2f} ms" for tokens, ms in costs.model_ms.items())
    line = f"{costs.fixed_ms} ms a batch and {costs.per_item_ms} ms a record"
    return f"""The consumer's loop on the embedded store, updates of 5,000 documents of one chunk: {line};
spread (σ of the logarithm) {costs.spread}; a flush after 1,238 records {costs.flush_ms:.0f} ms.
The simulator goes by the table. The model: {models}.

- command: `python -m tests.bench.policies.calibrate`
{costs.machine}

{sizes}

The recorded run: {recorded["story"].removeprefix("a real run: ")}; `{recorded.get("command", "")}`."""
