"""What ``freshet top`` shows: pure, from the events that it is given."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from freshet.cli.search import duration

CHANGES = 20
HISTORY = 60
PROMISE_MS = 100
BARS = "▁▂▃▄▅▆▇█"
NONE = "–"


class Screen:
    """``figures`` are the newest; ``changes`` newest first."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] | None = None
        self.changes: deque[dict[str, Any]] = deque(maxlen=CHANGES)
        self._latency: deque[float | None] = deque(maxlen=HISTORY)
        self._size: deque[float | None] = deque(maxlen=HISTORY)

    @property
    def complete(self) -> bool:
        """Whether the figures have rates: a rate needs two looks, unless the broker is away."""
        seen = self.figures
        return seen is not None and (seen["rates"]["searches"] is not None)

    def take(self, event: str, data: dict[str, Any]) -> None:
        """An event that is not known is passed over."""
        if event == "changes":
            self.changes.extendleft(data["changes"])
        elif event == "figures":
            self.figures = data
            self._latency.append(data["batch"]["p99_ms"])
            self._size.append(data["batch"]["size"])

    def render(self) -> RenderableType:
        seen = self.figures
        if seen is None:
            return Text("connected, waiting for the first figures …", style="dim")
        troubles = [Text(f"✗ {trouble}", style="bold red") for trouble in seen["troubles"]]
        return Group(*troubles, _flow(seen), Text(), self._batches(seen), Text(), self._table())

    def _batches(self, seen: dict[str, Any]) -> RenderableType:
        table = Table(box=None, pad_edge=False, show_header=False)
        for style in ("dim", "bold", "cyan"):
            table.add_column(style=style, no_wrap=True)
        fresh, batch = seen["freshness_ms"], seen["batch"]
        table.add_row("fresh after", f"p50 {_ms(fresh['p50'])}  p99 {_ms(fresh['p99'])}", "over the last minute")
        table.add_row("batch p99", _ms(batch["p99_ms"]), sparkline(self._latency))
        size = NONE if batch["size"] is None else f"{batch['size']:.1f}"
        limit = NONE if batch["limit"] is None else str(batch["limit"])
        table.add_row("batch size", f"{size} (limit {limit})", sparkline(self._size))
        return table

    def _table(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        table.add_column("document", ratio=1, overflow="ellipsis", no_wrap=True)
        for heading in ("what", "fresh after", "when"):
            table.add_column(heading, justify="right", no_wrap=True)
        now = time.time() * 1e3
        for one in self.changes:
            chunks = "1 chunk" if one["chunks"] == 1 else f"{one['chunks']} chunks"
            fresh = one["freshness_ms"]
            style = "" if fresh is None else "green" if fresh <= PROMISE_MS else "red"
            ago = f"{duration(max(0.0, now - one['at']) / 1e3)} ago"
            what = "deleted" if one["deleted"] else chunks
            table.add_row(Text(one["id"]), what, Text(_ms(fresh), style=style), ago)
        return table


def sparkline(values: deque[float | None]) -> str:
    """One character per value, from zero to the highest of them; a gap where there is none."""
    most = max((value for value in values if value is not None), default=0.0)
    if most <= 0:
        return " " * len(values)
    steps = len(BARS) - 1
    return "".join(" " if value is None else BARS[round(value / most * steps)] for value in values)


def _flow(seen: dict[str, Any]) -> Text:
    rates, behind = seen["rates"], seen["behind"]
    line = Text("sources")
    for rate, stage, waits in (
        ("documents", "job", _behind(behind["job"])),
        ("embeddings", "consumer", _behind(behind["consumer"])),
        ("written", "store", f"{seen['store'].get('documents', NONE)} documents"),
        ("searches", "search", ""),
    ):
        line.append(f" ─{_rate(rates[rate])}→ ", style="cyan")
        line.append(stage, style="bold")
        if waits:
            line.append(f" ({waits})", style="dim")
    if rates["dead_letters"]:
        line.append(f"   dead letters {_rate(rates['dead_letters'])}", style="bold red")
    return line


def _behind(records: int | None) -> str:
    return NONE if records is None else f"{records} behind"


def _rate(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}/s" if value < 10 else f"{value:.0f}/s"


def _ms(value: float | None) -> str:
    return NONE if value is None else duration(value / 1e3)
