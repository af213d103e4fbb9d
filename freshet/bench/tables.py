"""Figures as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from freshet.bench.run import Milliseconds

PERCENTILES = (50, 99, 99.9)


def percentiles(rows: Mapping[str, Milliseconds]) -> str:
    """One row a series: count, p50, p99, p99.9 and the worst, in ms."""
    head = ["", "events", *(f"p{share:g} ms" for share in PERCENTILES), "worst ms"]
    body = [
        [
            label,
            str(len(series)),
            *(f"{np.percentile(series, share):.1f}" for share in PERCENTILES),
            f"{series.max():.1f}",
        ]
        for label, series in rows.items()
        if len(series)
    ]
    return table(head, body)


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
