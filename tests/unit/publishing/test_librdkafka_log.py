from __future__ import annotations

import logging

from freshet.librdkafka_log import QUIET_SECONDS, RepeatFilter


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _line(text: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("freshet.librdkafka", level, "", 0, text, (), None)


def test_a_line_that_differs_in_numbers_alone_passes_once_in_a_while() -> None:
    clock = Clock()
    lines = RepeatFilter(clock)
    assert lines.filter(_line("broker 1: connect failed after 12 ms"))
    for ms in range(50):
        assert not lines.filter(_line(f"broker 1: connect failed after {ms} ms"))
    clock.now += QUIET_SECONDS
    again = _line("broker 1: connect failed after 3 ms")
    assert lines.filter(again)
    assert again.getMessage() == "broker 1: connect failed after 3 ms (50 more like it since the last)"


def test_another_line_and_another_level_pass() -> None:
    lines = RepeatFilter(Clock())
    assert lines.filter(_line("connect failed"))
    assert lines.filter(_line("all brokers are down"))
    assert lines.filter(_line("connect failed", logging.ERROR))


def test_lines_without_number_of_kinds_do_not_fill_the_memory() -> None:
    lines = RepeatFilter(Clock())
    for one in range(10_000):
        lines.filter(_line("x" * (one % 3_000)))
    assert len(lines._seen) <= 200
