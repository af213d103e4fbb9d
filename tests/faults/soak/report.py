"""``docs/results/soak.md`` and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from freshet.bench.tables import table
from tests.faults.harness.verdict import Verdict
from tests.faults.soak.drift import lives
from tests.faults.soak.plot import draw
from tests.faults.soak.samples import Flow, Usage


@dataclass(frozen=True, slots=True)
class Soak:
    """``faults``: second and name. ``complaints`` are what fails it; none is good."""

    command: str
    machine: str
    rate: float
    verdict: Verdict
    faults: Sequence[tuple[float, str]]
    usage: Sequence[Usage]
    flow: Sequence[Flow]
    complaints: Sequence[str]


def write(soak: Soak, out: Path) -> None:
    """Write the page and ``soak.svg`` beside it."""
    out.mkdir(parents=True, exist_ok=True)
    draw(soak.usage, soak.flow, soak.faults, out / "soak.svg")
    minutes = soak.flow[-1].seconds / 60 if soak.flow else 0.0
    p99 = [one.p99_ms for one in soak.flow if one.p99_ms is not None]
    verdict = "Nothing to complain of." if not soak.complaints else "\n".join(f"- {one}" for one in soak.complaints)
    rows = [
        [name, str(pid), f"{(life[-1].seconds - life[0].seconds) / 60:.0f}", *_range(life)]
        for (name, pid), life in lives(soak.usage).items()
        if life[-1].seconds - life[0].seconds > 60
    ]
    columns = [
        "process", "pid", "minutes", "MB first", "MB last", "MB most", "private first", "private last",
        "files last", "threads last",
    ]  # fmt: skip
    happened = [[f"{second / 60:.1f}", name] for second, name in soak.faults]
    (out / "soak.md").write_text(f"""# Soak

Constant load, searches and canaries for {minutes:.0f} minutes, with a random fault every few minutes; then
everything is compared. It fails on a finding, on a process whose private memory (what is no page of a mapped file)
grows within one life, on a p99 of the calm times that
rises, on a lag that only grows ([`tests/faults/soak/drift.py`](../../tests/faults/soak/drift.py)).

- command: `{soak.command}`
{soak.machine}
- load: {soak.rate:g} changes/s, {soak.verdict.events} acknowledged; seed {soak.verdict.seed}
- p99 of the canaries of the last 30 s, over all samples: median {np.median(p99):.0f} ms, worst {max(p99):.0f} ms

## What came of it

{verdict}

{table(list(soak.verdict.row()), [[str(cell) for cell in soak.verdict.row().values()]])}

![memory, files, lag and p99 over time](soak.svg)

## Processes

{table(columns, rows)}

## Faults

{table(["minute", "fault"], happened)}
""")


def _range(life: Sequence[Usage]) -> list[str]:
    resident, private = [one.resident_mb for one in life], [one.private_mb for one in life]
    return [
        f"{resident[0]:.0f}",
        f"{resident[-1]:.0f}",
        f"{max(resident):.0f}",
        f"{private[0]:.0f}",
        f"{private[-1]:.0f}",
        str(life[-1].files),
        str(life[-1].threads),
    ]
