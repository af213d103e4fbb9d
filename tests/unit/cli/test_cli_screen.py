"""What ``freshet top`` and ``freshet trace`` print, without a terminal."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import pytest
from rich.console import Console

from freshet.cli.screen import CHANGES, Screen, sparkline
from freshet.cli.trace import _waterfall

FIGURES: dict[str, Any] = {
    "at": 0.0,
    "rates": {"documents": 12.34, "embeddings": 120.0, "written": 3.0, "dead_letters": 0.0, "searches": 0.5},
    "behind": {"job": 7, "consumer": None},
    "freshness_ms": {"p50": 12.0, "p99": 1_500.0, "events": 9},
    "batch": {"p99_ms": 4.2, "size": 3.5, "limit": 50, "policy": "deadline"},
    "store": {"documents": 42},
    "dead_letters_end": 0,
    "troubles": ["Kafka at x does not answer"],
}


def change(number: int, **fields: Any) -> dict[str, Any]:
    now = time.time() * 1e3
    return {"id": f"doc-{number}", "deleted": False, "chunks": 1, "freshness_ms": 40.0, "at": now, **fields}


def shown(renderable: Any, width: int = 120) -> str:
    out = Console(width=width, file=None, record=True, force_terminal=False)
    with out.capture() as capture:
        out.print(renderable)
    return capture.get()


def test_the_screen_shows_rates_lags_percentiles_and_what_is_wrong() -> None:
    screen = Screen()
    assert "waiting" in shown(screen.render())
    screen.take("figures", FIGURES)
    text = shown(screen.render())
    for part in (
        "✗ Kafka at x",
        "─12/s→ job (7 behind)",
        "consumer (–)",
        "42 documents",
        "p50 12 ms  p99 2 s",
        "3.5 (limit 50)",
    ):
        assert part in text, part


def test_the_newest_change_stands_first_and_old_ones_go() -> None:
    screen = Screen()
    screen.take("figures", FIGURES)
    screen.take("changes", {"changes": [change(number) for number in range(CHANGES + 5)], "skipped": 0})
    assert [one["id"] for one in screen.changes][:2] == [f"doc-{CHANGES + 4}", f"doc-{CHANGES + 3}"]
    assert len(screen.changes) == CHANGES


@pytest.mark.parametrize("document_id", ["[red]markup[/red]", "[link=x]", "<b>"])
def test_an_id_is_no_markup(document_id: str) -> None:
    screen = Screen()
    screen.take("figures", FIGURES)
    screen.take("changes", {"changes": [{**change(0), "id": document_id}], "skipped": 0})
    text = shown(screen.render())
    assert document_id in text


def test_figures_without_rates_are_not_yet_complete() -> None:
    screen = Screen()
    screen.take("figures", {**FIGURES, "rates": dict.fromkeys(FIGURES["rates"])})
    assert not screen.complete
    assert "–" in shown(screen.render())
    screen.take("figures", FIGURES)
    assert screen.complete


@pytest.mark.parametrize(
    ("values", "drawn"), [([], ""), ([None, None], "  "), ([0.0, 0.0], "  "), ([1.0, None, 8.0], "▂ █")]
)
def test_a_sparkline_has_a_place_for_each_value(values: list[float | None], drawn: str) -> None:
    assert sparkline(deque(values)) == drawn


def found(**stamps: int) -> dict[str, Any]:
    return {
        "id": "a[b]",
        "version": 7,
        "deleted": False,
        "chunks": 1,
        "traceparent": "00-a-b-01",
        "stamps_ns": {name.replace("_", "-"): stamp * 1_000_000 for name, stamp in stamps.items()},
        "pending_version": None,
    }


def test_a_waterfall_has_a_bar_per_hop_where_it_was() -> None:
    text = shown(_waterfall(found(source_commit=0, published=10, embedded=30, upserted=40)))
    bars = {line.split()[0]: line for line in text.splitlines() if "█" in line}
    assert bars["publish"].index("█") < bars["embed"].index("█") < bars["upsert"].index("█")
    assert bars["embed"].count("█") == pytest.approx(2 * bars["publish"].count("█"), abs=1)
    assert "40.0 ms" in text
    assert "a[b]" in text


def test_a_missing_stamp_and_a_skewed_clock_are_said() -> None:
    text = shown(_waterfall(found(published=10, embedded=5, upserted=40)), width=200)
    assert "a stamp is missing" in text
    assert "-5.0 ms" in text
    assert "clocks of two machines disagree" in text


def test_without_stamps_there_is_no_waterfall() -> None:
    assert "No hop has both of its stamps" in shown(_waterfall(found(upserted=1)))
