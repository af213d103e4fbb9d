"""The figures of the routes as a page."""

from __future__ import annotations

from typing import Any

from freshet.bench.tables import table
from tests.bench.routes.route import ROUTES

Figures = dict[str, Any]
SIDE_BY_SIDE = (20, 100, 300)
CPU_RATE = 300
"""By then the JVMs are warm."""
PROMISE_MS = 100.0


def page(found: dict[str, Figures], note: str = "") -> str:
    """Of every route that was measured. ``note``: what else is to be known of how the figures were taken."""
    return "\n".join(
        [
            "# Routes",
            "",
            _ABOUT,
            "",
            "- command: `make bench-routes`",
            *([f"- {note}"] if note else []),
            *(f"- {ROUTES[name].name}:\n{_indented(one['about'])}" for name, one in found.items()),
            "",
            "## Latency",
            "",
            _LATENCY,
            "",
            _latency(found),
            "",
            "## Every rate",
            "",
            _every(found),
            "",
            "## Processor time",
            "",
            _CPU,
            "",
            _cpu(found),
            "",
            "## Memory",
            "",
            "Resident MB after all rates.",
            "",
            _by_process(found, lambda one: one["memory"], "{:.0f}"),
            "",
            "## A kill",
            "",
            _KILL,
            "",
            _kills(found),
            "",
        ]
    )


def _indented(lines: str) -> str:
    return "\n".join(f"  {line}" for line in lines.splitlines())


def _latency(found: dict[str, Figures]) -> str:
    body = []
    for name, one in found.items():
        by_rate = {row["rate"]: row for row in one["rates"]}
        cells = [
            f"{by_rate[rate]['p50']:.1f} / {by_rate[rate]['p99']:.1f}" if rate in by_rate else "–"
            for rate in SIDE_BY_SIDE
        ]
        best = max((row["rate"] for row in one["rates"] if row["p99"] < PROMISE_MS), default=0)
        body.append([ROUTES[name].name, *cells, f"{best:g}/s"])
    head = [
        "p50 / p99 ms, due → upserted",
        *(f"{rate}/s" for rate in SIDE_BY_SIDE),
        f"highest, p99 < {PROMISE_MS:g} ms",
    ]
    return table(head, body)


def _every(found: dict[str, Figures]) -> str:
    body = [
        [
            ROUTES[name].name,
            f"{row['rate']:g}",
            str(row["events"]),
            f"{row['p50']:.1f} / {row['p99']:.1f}",
            f"{row['embedded_p50']:.1f} / {row['embedded_p99']:.1f}",
            f"{row['catch_up_s']:.1f}",
        ]
        for name, one in found.items()
        for row in one["rates"]
    ]
    return table(["route", "events/s", "events", "due → upserted", "published → embedded", "catch-up s"], body)


def _cpu(found: dict[str, Figures]) -> str:
    def warm(one: Figures) -> dict[str, float]:
        return dict(next(row["cpu_ms"] for row in one["rates"] if row["rate"] == CPU_RATE))

    return _by_process(found, warm, "{:.1f}")


def _by_process(found: dict[str, Figures], of: Any, shape: str) -> str:
    names = list(dict.fromkeys(name for one in found.values() for name in of(one)))
    body = []
    for name, one in found.items():
        figures = of(one)
        cells = [shape.format(figures[part]) if part in figures else "–" for part in names]
        body.append([ROUTES[name].name, *cells, shape.format(sum(figures.values()))])
    return table(["", *names, "together"], body)


def _kills(found: dict[str, Figures]) -> str:
    body = [
        [
            ROUTES[name].name,
            one["victim"],
            f"{one['kill']['gap_s']:.1f}",
            f"{one['kill']['recovered_s']:.1f}",
            f"{one['kill']['late']} of {one['kill']['events']}",
            str(one["kill"]["missing"] - one["kill"]["dead"]),
            str(one["kill"]["dead"]),
        ]
        for name, one in found.items()
    ]
    head = ["", "killed", "nothing written for s", "late until s after", "late", "lost", "dead letters"]
    return table(head, body)


_ABOUT = """The same load through each way that the text can take to the model: in the job, as a table function in the
TaskManager's JVM (thread mode) or in a Python worker (process mode), or on an inference server that the job asks by
`ML_PREDICT`. Open loop, as in [freshness.md](freshness.md); texts of 14 tokens, each different; int8 MiniLM; one
subtask; a stack of its own for each route, everything and the load on the one machine; 4,000 events of warm-up."""
_LATENCY = "An event counts from when it was due until just before it was written to the store."
_CPU = """Milliseconds of processor time per event at 300/s, of each process. One HTTP request for each row is the
provider's way: what that costs is the sum of TaskManager and server less that of the table function."""
_KILL = """kill -9 after 5 s of a load of 100/s; the supervisor starts again what died. *Late* is over 500 ms. *Lost* is
checked for every event."""
