"""Memory, files, lag and p99 over time as one SVG, readable on light and dark: nothing of it is black or white."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import svg

from tests.bench.drawing import GREY, label
from tests.faults.soak.drift import lives
from tests.faults.soak.samples import Flow, Usage

LEFT, WIDTH, HEIGHT, ROW = 60, 760, 120, 165
COLOURS = ("#3b82f6", "#ea7317", "#16a34a", "#a855f7", "#dc2626")
MAX_POINTS = 400

Points = Sequence[tuple[float, float]]


class Series(NamedTuple):
    """One line: x in seconds, y in the panel's unit."""

    name: str
    colour: str
    points: Points


def draw(usage: Sequence[Usage], flow: Sequence[Flow], faults: Sequence[tuple[float, str]], path: Path) -> None:
    """A grey upright line is a fault; each life of a process is a line of its own."""
    names = list(dict.fromkeys(one.name for one in usage))
    colour = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    each = lives(usage)

    def of_lives(value: str) -> list[Series]:
        return [
            Series(name, colour[name], [(one.seconds, getattr(one, value)) for one in life])
            for (name, _), life in each.items()
        ]

    p99 = [(one.seconds, one.p99_ms) for one in flow if one.p99_ms is not None]
    panels = {
        "resident memory, MB": of_lives("resident_mb"),
        "of it private, MB": of_lives("private_mb"),
        "open files": of_lives("files"),
        "records that wait": [Series("lag", COLOURS[0], [(one.seconds, max(0, one.lag)) for one in flow])],
        "p99 of the canaries, ms (cut at 1,000)": [Series("p99", COLOURS[0], [(at, min(ms, 1e3)) for at, ms in p99])],
    }
    end = max((one.seconds for one in flow), default=1.0)
    elements: list[svg.Element] = []
    for number, (title, series) in enumerate(panels.items()):
        top = 30 + number * ROW
        elements.append(label(LEFT, top - 8, title, 12))
        elements += _panel(series, [second for second, _ in faults], end, top)
    for number, name in enumerate(names):
        elements.append(label(LEFT + 250 + number * 100, 22, name, 11, colour[name]))
    bottom = 30 + len(panels) * ROW
    elements += [
        label(LEFT + WIDTH * minute * 60 / end, bottom - 20, f"{minute} min", 10)
        for minute in range(0, int(end / 60) + 1, max(1, int(end / 600)))
    ]
    box = svg.ViewBoxSpec(0, 0, LEFT + WIDTH + 20, bottom)
    path.write_text(svg.SVG(viewBox=box, width=LEFT + WIDTH + 20, elements=elements).as_str() + "\n")


def _panel(series: Sequence[Series], faults: Sequence[float], end: float, top: float) -> list[svg.Element]:
    most = max((y for one in series for _, y in one.points), default=1.0) or 1.0

    def across(seconds: float) -> float:
        return round(LEFT + WIDTH * seconds / end, 1)

    def up(value: float) -> float:
        return round(top + HEIGHT * (1 - value / most), 1)

    drawn: list[svg.Element] = [
        svg.Line(x1=across(at), x2=across(at), y1=top, y2=top + HEIGHT, stroke=GREY, stroke_width=0.5) for at in faults
    ]
    for value in (0.0, most):
        drawn.append(svg.Line(x1=LEFT, x2=LEFT + WIDTH, y1=up(value), y2=up(value), stroke=GREY, stroke_width=0.5))
        drawn.append(label(LEFT - 45, up(value) + 4, f"{value:,.0f}", 10))
    for one in series:
        thinned = one.points[:: max(1, len(one.points) // MAX_POINTS)]
        places = [place for x, y in thinned for place in (across(x), up(y))]
        drawn.append(svg.Polyline(points=places, fill="none", stroke=one.colour, stroke_width=1.2))  # type: ignore[arg-type]
    return drawn
