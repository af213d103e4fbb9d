"""Latency against batch size as an SVG: readable on light and dark, since nothing of it is black, white or filled."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import svg

from tests.bench.drawing import GREY, label
from tests.bench.policies.figures import PROMISE_SECONDS, latencies
from tests.bench.policies.simulator import Run

PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 250, 190, 3
LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT = 42, 30, 195, 120
SIZES, MILLISECONDS = (1, 10, 100, 500), (1, 10, 100, 1_000, 10_000)
BLUE, ORANGE = "#3b82f6", "#ea7317"
EDGES = (1, 2, 3, 5, 8, 13, 20, 35, 50, 75, 100, 150, 200, 300, 501)
FEWEST = 20
"""Events in a bin, or it is left out."""

Place = Callable[[float], float]


def plot(policy: str, runs: Mapping[str, Sequence[Run]]) -> str:
    """One panel a scenario, by name: the p50 and p99 of the events that went with batches of about a size."""
    rows = -(-len(runs) // COLUMNS)
    elements: list[svg.Element] = [
        label(8, 16, f"{policy}: latency against batch size", 13),
        label(330, 16, "p50", 11, BLUE),
        label(360, 16, "p99", 11, ORANGE),
        label(390, 16, "milliseconds, due → in the store; records in the batch", 11),
    ]
    for number, (name, some) in enumerate(runs.items()):
        left, top = number % COLUMNS * PANEL_WIDTH, 20 + number // COLUMNS * PANEL_HEIGHT
        elements.append(svg.G(transform=[svg.Translate(left, top)], elements=_panel(name, some)))
    width, height = COLUMNS * PANEL_WIDTH, 20 + rows * PANEL_HEIGHT
    return svg.SVG(viewBox=svg.ViewBoxSpec(0, 0, width, height), width=width, elements=elements).as_str() + "\n"


def _panel(name: str, runs: Sequence[Run]) -> list[svg.Element]:
    def across(size: float) -> float:
        return round(float(LEFT + PLOT_WIDTH * np.log(size) / np.log(SIZES[-1])), 1)

    def up(ms: float) -> float:
        span = np.log(MILLISECONDS[-1] / MILLISECONDS[0])
        share = np.clip(np.log(ms / MILLISECONDS[0]) / span, 0, 1)
        return round(float(TOP + PLOT_HEIGHT * (1 - share)), 1)

    drawn: list[svg.Element] = [label(LEFT, TOP - 8, name, 11)]
    for ms in MILLISECONDS:
        promise = ms == PROMISE_SECONDS * 1e3
        drawn.append(
            svg.Line(
                x1=LEFT, x2=LEFT + PLOT_WIDTH, y1=up(ms), y2=up(ms), stroke=GREY, stroke_width=1.2 if promise else 0.4,
                stroke_dasharray=[4, 3] if promise else None,
            )
        )  # fmt: skip
        drawn.append(label(LEFT - 4, up(ms) + 3, f"{ms:,}", 9, anchor="end"))
    for size in SIZES:
        drawn.append(label(across(size), TOP + PLOT_HEIGHT + 13, str(size), 9, anchor="middle"))
    for share, colour in ((50, BLUE), (99, ORANGE)):
        drawn += _curve(runs, share, colour, across, up)
    return drawn


def _curve(runs: Sequence[Run], share: float, colour: str, across: Place, up: Place) -> list[svg.Element]:
    late = np.concatenate([latencies(run) for run in runs])
    sizes = np.concatenate([run.batch_sizes[run.scenario.due >= 0] for run in runs])
    points: list[tuple[float, float]] = []
    for low, high in itertools.pairwise(EDGES):
        there = (sizes >= low) & (sizes < high)
        if np.count_nonzero(there) >= FEWEST:
            points.append(
                (across(float(np.mean(sizes[there]))), up(max(1.0, float(np.percentile(late[there], share)) * 1e3)))
            )
    path = [place for point in points for place in point]
    line = svg.Polyline(points=path, fill="none", stroke=colour, stroke_width=1.5)  # type: ignore[arg-type]
    return [line, *(svg.Circle(cx=x, cy=y, r=2.2, fill=colour) for x, y in points)]
