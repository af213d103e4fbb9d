"""Lengths of time as PromQL writes them, as they are and smaller."""

from __future__ import annotations

from grafana.generator.windows import DAY, HOUR, MINUTE, Windows


def test_without_parameters_all_is_as_the_alert_says() -> None:
    plain = Windows()
    assert [plain.of(one) for one in (30, 90, 5 * MINUTE, 6 * HOUR, 3 * DAY)] == ["30s", "90s", "5m", "6h", "3d"]
    assert (plain.held(15 * MINUTE), plain.held(0)) == ("15m", "0s")
    assert (plain.age(90), plain.amount(50_000)) == ("90", "50000")


def test_a_test_makes_windows_ages_and_amounts_smaller_and_waits_less() -> None:
    small = Windows(speed=30, held_at_most=2, ages=10, amounts=500)
    assert (small.of(5 * MINUTE), small.of(HOUR)) == ("10s", "2m")
    assert small.of(MINUTE) == "5s", "a rate needs more than one look"
    assert (small.held(HOUR), small.held(0)) == ("2s", "0s")
    assert (small.age(90), small.amount(50_000)) == ("9", "100")
