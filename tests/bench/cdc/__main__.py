"""``python -m tests.bench.cdc [live|topic|rows|wal …]``: measure these parts, write docs/results/cdc.md."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from typing import Any

from freshet.bench.machine import commit, describe
from tests.bench.cdc import first_read, live, topic, wal
from tests.bench.cdc.machinery import connect_only, whole_stack
from tests.bench.cdc.report import read_figures, write_figures

ROWS = 20_000
RATES = {20.0: 2_000, 100.0: 6_000}
WARM_UP = 3_000


def main(parts: list[str]) -> None:
    figures = read_figures()
    for part in parts or ["topic", "live", "rows", "wal"]:
        machine = describe()
        figures[part] = {
            "taken": f"{commit()}, {datetime.now(timezone.utc).date().isoformat()}",
            "machine": machine,
            "figures": _measure(part),
        }
        write_figures(figures)


def _measure(part: str) -> Any:
    if part == "topic":
        with connect_only() as machinery:
            return topic.measure(machinery, 20, 25)
    if part == "wal":
        with connect_only() as machinery:
            return wal.measure(machinery)
    with whole_stack() as machinery:
        if part == "live":
            return live.measure(machinery, RATES, WARM_UP)
        if part == "rows":
            return first_read.measure(machinery, ROWS, 400)
    raise SystemExit(f"{part!r} is none of topic, live, rows, wal")


if __name__ == "__main__":
    main(sys.argv[1:])
