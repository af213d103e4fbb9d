"""P99 and batch limit over time, on two axes, as an SVG: one panel a policy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import svg

from tests.bench.drawing import GREY, label
from tests.bench.observability.stress import PULSE_SECONDS, PULSES, SECONDS, Seen

BLUE, ORANGE = "#3b82f6", "#ea7317"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 230, 60, 700, 40, 200
P99_MS, RECORDS = (1, 10, 100, 1_000, 10_000), (1, 10, 100, 500)


def plot(seen: Sequence[Seen]) -> str:
    panels = [
        svg.G(transform=[svg.Translate(0, number * HEIGHT)], elements=_panel(one)) for number, one in enumerate(seen)
    ]
    height = HEIGHT * len(seen)
    return svg.SVG(viewBox=svg.ViewBoxSpec(0, 0, WIDTH, height), width=WIDTH, elements=list(panels)).as_str() + "\n"


def _panel(seen: Seen) -> list[svg.Element]:
    drawn: list[svg.Element] = [
        label(LEFT, 16, f"policy {seen.policy}", 13),
        label(LEFT, 31, "P99 of batches, ms", 11, BLUE),
        label(RIGHT, 31, "batch limit; dashed: records in a batch", 11, ORANGE, "end"),
        label(LEFT + 150, 31, "grey: the store is slow for each record", 11),
    ]
    for number in range(PULSES):
        start = (2 * number + 1) * PULSE_SECONDS
        drawn.append(
            svg.Rect(
                x=_across(start), y=TOP, width=_across(PULSE_SECONDS) - LEFT, height=BOTTOM - TOP, fill=GREY,
                fill_opacity=0.15,
            )
        )  # fmt: skip
    for ms in P99_MS:
        drawn.append(label(LEFT - 4, _up(ms, P99_MS) + 3, f"{ms:,}", 9, anchor="end"))
        drawn.append(_rule(_up(ms, P99_MS)))
    drawn += [label(RIGHT + 4, _up(size, RECORDS) + 3, str(size), 9) for size in RECORDS]
    for second in range(0, SECONDS + 1, 15):
        drawn.append(label(_across(second), BOTTOM + 14, f"{second} s", 9, anchor="middle"))
    drawn.append(_line([value * 1e3 for value in seen.series["p99"]], P99_MS, BLUE))
    drawn.append(_line(seen.series["size"], RECORDS, ORANGE, dashed=True))
    drawn.append(_line(seen.series["limit"], RECORDS, ORANGE))
    return drawn


def _across(second: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * second / SECONDS, 1)


def _up(value: float, scale: Sequence[int]) -> float:
    share = math.log(max(value, scale[0]) / scale[0]) / math.log(scale[-1] / scale[0])
    return round(BOTTOM - (BOTTOM - TOP) * min(share, 1.0), 1)


def _rule(y: float) -> svg.Line:
    return svg.Line(x1=LEFT, x2=RIGHT, y1=y, y2=y, stroke=GREY, stroke_width=0.4)


def _line(values: Sequence[float], scale: Sequence[int], colour: str, dashed: bool = False) -> svg.Polyline:
    points = [
        svg.Point(_across(second), _up(value, scale))
        for second, value in enumerate(values)
        if math.isfinite(value) and value > 0
    ]
    return svg.Polyline(
        points=points, fill="none", stroke=colour, stroke_width=0.9 if dashed else 1.6,
        stroke_dasharray=[3, 2] if dashed else None,
    )  # fmt: skip
