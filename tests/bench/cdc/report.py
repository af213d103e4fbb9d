"""The figures on disk, part by part, and docs/results/cdc.md from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from freshet.bench.tables import table

FIGURES = Path(__file__).parent / "figures.json"
REPORT = Path("docs/results/cdc.md")


def read_figures() -> dict[str, Any]:
    return json.loads(FIGURES.read_text()) if FIGURES.exists() else {}


def write_figures(figures: dict[str, Any]) -> None:
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    REPORT.write_text(_report(figures))


def _report(figures: dict[str, Any]) -> str:
    machine = next(iter(figures.values()))["machine"].splitlines()[0]
    parts = {"live": _live, "topic": _topic, "rows": _rows, "wal": _wal}
    sections = [write(figures[name]) for name, write in parts.items() if name in figures]
    return (
        "\n\n".join(
            [
                "# Change capture",
                "PostgreSQL 18.4, Debezium 3.7.0 on Kafka Connect 4.3.1, all beside the stack on the one "
                "machine, which also makes the load. How it works and what each setting means: [cdc.md](../cdc.md).",
                f"- command: `make bench-cdc`\n{machine}",
                *sections,
            ]
        )
        + "\n"
    )


def _live(part: dict[str, Any]) -> str:
    head = ["", "events", "p50 ms", "p95 ms", "p99 ms", "worst ms"]
    found = ["## From commit to search", _taken(part)]
    for one in part["figures"]:
        rows = [[label, *_cells(series)] for label, series in one["hops"].items()]
        rows.append(["**commit acknowledged → returned by a query**", *_cells(one["returned"])])
        cpu = ", ".join(f"{name} {share:.1%}" for name, share in one["cpu"].items())
        found += [
            f"### {one['rate']:g} commits/s",
            table(head, rows),
            f"Probes not found: {one['unseen']}. Processor, of one core: {cpu}.",
        ]
    found.append(
        "The first rows count from PostgreSQL's own commit stamp, the last from the client's answer, to the end of the "
        "HTTP answer of the first query that has the row as its best hit; asked every 2 ms or as soon as "
        "the last answer was there. *commit → published* holds Debezium, Kafka Connect, the topic and the CDC producer."
    )
    return "\n\n".join(found)


def _topic(part: dict[str, Any]) -> str:
    head = ["setting", "events", "p50 ms", "p95 ms", "p99 ms", "Connect's core", "at rest"]
    rows = [
        [
            one["setting"], str(one["events"]), *(f"{one[share]:.1f}" for share in ("p50", "p95", "p99")),
            f"{one['cpu']:.1%}", f"{one['cpu_at_rest']:.1%}",
        ]
        for one in part["figures"]
    ]  # fmt: skip
    return "\n\n".join(
        [
            "## From commit to the topic, by Debezium's settings",
            _taken(part),
            table(head, rows),
            "20 commits/s, nothing else running. *At rest* is what polling itself costs. The row in bold is Freshet's.",
        ]
    )


def _rows(part: dict[str, Any]) -> str:
    one = part["figures"]
    return "\n\n".join(
        [
            "## Rows that were there before",
            _taken(part),
            f"{one['rows']} rows, searchable after {one['seconds']:.0f} s: **{one['rows_per_second']:.0f} rows/s**, "
            f"each embedded. The CDC producer grew from {one['memory_before']} to {one['memory_peak']} MB; Connect had "
            f"{one['connect_memory']} MB.",
            f"Live changes meanwhile, 20/s, commit → upserted: p50 {one['p50']:.0f}, p95 {one['p95']:.0f}, "
            f"p99 {one['p99']:.0f}, worst {one['worst']:.0f} ms over {one['live']}.",
        ]
    )


def _wal(part: dict[str, Any]) -> str:
    rows = [[one["identity"], f"{one['bytes'] / 1024:.1f}"] for one in part["figures"]]
    return "\n\n".join(
        [
            "## What replica identity costs",
            _taken(part),
            table(["REPLICA IDENTITY", "kB of log for a title update on a body of 64 kB"], rows),
        ]
    )


def _taken(part: dict[str, Any]) -> str:
    return f"Commit {part['taken']}."


def _cells(series: dict[str, float]) -> list[str]:
    return [str(series["count"]), *(f"{series[name]:.1f}" for name in ("p50", "p95", "p99", "worst"))]
