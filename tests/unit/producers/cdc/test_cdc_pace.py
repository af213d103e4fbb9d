from __future__ import annotations

import threading

import pytest

from freshet.errors import UnavailableError
from producers.cdc.document import Content
from producers.cdc.mapping import Upsert
from producers.cdc.pace import FIRST_ROWS, LEAST_ROWS, Pace


class Clock(threading.Event):
    """Time that passes only where somebody waits. Not to be stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


class Line:
    """Makes so many rows a second searchable, in order, ``delay`` seconds after its work on them."""

    def __init__(self, clock: Clock, rate: float, delay: float = 0.02) -> None:
        self._clock = clock
        self.rate = rate
        self._delay = delay
        self._free = 0.0
        self._done: dict[str, float] = {}

    def take(self, document_id: str) -> None:
        self._free = max(self._free, self._clock.now) + 1 / self.rate
        self._done[document_id] = self._free + self._delay

    def version(self, document_id: str) -> int:
        return 1 if self._done[document_id] <= self._clock.now else -1

    @property
    def queued_s(self) -> float:
        return max(0.0, self._free - self._clock.now)


def upsert(number: int, text: str = "short") -> Upsert:
    return Upsert(f"row-{number}", 1, Content(text, {}, ""))


def read(clock: Clock, line: Line, pace: Pace, rows: int, text: str = "short", start: int = 0) -> tuple[float, float]:
    """Rows a second, and the longest that a live change would have waited in the last half."""
    began, longest = clock.now, 0.0
    for number in range(start, start + rows):
        line.take(f"row-{number}")
        pace.sent(upsert(number, text))
        if number > start + rows // 2:
            longest = max(longest, line.queued_s)
    return rows / (clock.now - began), longest


@pytest.mark.parametrize("rate", [30.0, 300.0, 3000.0])
def test_rows_go_as_fast_as_they_become_searchable_and_a_live_change_waits_below_a_second(rate: float) -> None:
    clock = Clock()
    line = Line(clock, rate)
    reached, longest = read(clock, line, Pace(line, clock, lambda: clock.now), 5_000)
    assert reached > 0.8 * rate
    assert longest < 0.6


def test_a_delay_that_no_window_causes_does_not_hold_the_rate_down() -> None:
    clock = Clock()
    line = Line(clock, 300.0, delay=0.08)
    reached, _ = read(clock, line, Pace(line, clock, lambda: clock.now), 5_000)
    assert reached > 0.6 * 300


def test_windows_shrink_when_the_pipeline_becomes_slow() -> None:
    clock = Clock()
    line = Line(clock, 2_000.0)
    pace = Pace(line, clock, lambda: clock.now)
    read(clock, line, pace, 5_000)
    wide = pace.rows
    line.rate = 40.0
    read(clock, line, pace, 3_000, start=10_000)
    assert LEAST_ROWS <= pace.rows < FIRST_ROWS < wide


def test_long_rows_count_for_more() -> None:
    clock = Clock()
    line = Line(clock, 20.0)
    _, longest = read(clock, line, Pace(line, clock, lambda: clock.now), 400, text="x" * 10_000)
    assert longest < 0.6


def test_a_search_api_that_is_away_is_waited_for_and_a_row_that_never_arrives_is_not_for_ever() -> None:
    clock = Clock()

    class Away:
        def version(self, document_id: str) -> int:
            if clock.now < 10:
                raise UnavailableError("search is away")
            return -1

    pace = Pace(Away(), clock, lambda: clock.now)
    for number in range(2 * FIRST_ROWS):
        pace.sent(upsert(number))
    assert 30 <= clock.now < 31
