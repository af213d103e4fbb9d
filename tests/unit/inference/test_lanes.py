"""The queue by itself, on a clock that the test sets."""

from __future__ import annotations

import numpy as np
import pytest

from inference.lanes import DeadlinePassed, Full, Job, Lane, Lanes

FOREVER = 1e9


class FakeClock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def job(lane: Lane, *lengths: int, deadline: float = FOREVER) -> tuple[Job, list[Job]]:
    """Texts of these many tokens; the list holds the job once it has ended."""
    ended: list[Job] = []
    return Job([np.zeros(length, np.int32) for length in lengths], lane, deadline, ended.append, 2), ended


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lanes(clock: FakeClock) -> Lanes:
    return Lanes(max_tokens=100, query_share=0.75, clock=clock)


def test_a_batch_is_bound_by_tokens(lanes: Lanes) -> None:
    one, _ = job("ingest", 10, 10, 10, 10)
    lanes.put(one)
    assert [index for _, index in lanes.take_now(25)] == [0, 1]
    assert lanes.waiting("ingest") == 20
    assert [index for _, index in lanes.take_now(25)] == [2, 3]
    assert lanes.take_now(25) == []


def test_a_text_above_the_budget_goes_alone(lanes: Lanes) -> None:
    one, _ = job("ingest", 60, 5)
    lanes.put(one)
    assert len(lanes.take_now(25)) == 1
    assert len(lanes.take_now(25)) == 1


def test_a_query_goes_before_ingestion_that_came_first(lanes: Lanes) -> None:
    slow, _ = job("ingest", 10, 10)
    quick, _ = job("query", 10)
    lanes.put(slow)
    lanes.put(quick)
    assert lanes.take_now(10) == [(quick, 0)]


def test_neither_lane_starves(lanes: Lanes) -> None:
    """While both wait, tokens are shared out as asked for: three of four to queries."""
    taken = {"query": 0, "ingest": 0}
    for _ in range(400):
        for lane in ("query", "ingest"):
            if lanes.waiting(lane) < 50:
                lanes.put(job(lane, 10)[0])
        for one, index in lanes.take_now(10):
            taken[one.lane] += len(one.rows[index])
    assert taken["query"] / 4000 == pytest.approx(0.75, abs=0.01)
    assert taken["ingest"] / 4000 == pytest.approx(0.25, abs=0.01)


def test_a_lane_that_was_alone_owes_nothing(lanes: Lanes) -> None:
    for _ in range(50):
        lanes.put(job("query", 10)[0])
        lanes.take_now(10)
    lanes.put(job("ingest", 10)[0])
    quick, _ = job("query", 10)
    lanes.put(quick)
    assert lanes.take_now(10) == [(quick, 0)]


def test_a_large_request_delays_a_small_one_by_one_turn(lanes: Lanes) -> None:
    large, _ = job("ingest", *[10] * 9)
    small, _ = job("ingest", 10)
    lanes.put(large)
    lanes.put(small)
    assert lanes.take_now(20) == [(large, 0), (large, 1)]
    assert lanes.take_now(20) == [(small, 0), (large, 2)]


def test_a_passed_deadline_is_not_computed(lanes: Lanes, clock: FakeClock) -> None:
    late, ended = job("query", 10, deadline=5.0)
    on_time, _ = job("query", 10, deadline=50.0)
    lanes.put(late)
    lanes.put(on_time)
    clock.now = 5.0
    assert lanes.take_now(100) == [(on_time, 0)]
    assert ended == [late]
    assert isinstance(late.error, DeadlinePassed)
    assert lanes.waiting("query") == 0


def test_the_rest_of_a_late_request_is_not_computed(lanes: Lanes, clock: FakeClock) -> None:
    late, ended = job("ingest", 10, 10, 10, deadline=5.0)
    lanes.put(late)
    assert len(lanes.take_now(10)) == 1
    clock.now = 6.0
    assert lanes.take_now(10) == []
    assert ended == [late]
    assert lanes.waiting("ingest") == 0


def test_who_has_gone_is_not_computed(lanes: Lanes) -> None:
    gone, ended = job("ingest", 10)
    lanes.put(gone)
    gone.fail(DeadlinePassed())
    assert lanes.take_now(10) == []
    assert ended == [gone]


def test_each_lane_is_bounded_by_itself(lanes: Lanes) -> None:
    lanes.put(job("ingest", *[10] * 10)[0])
    with pytest.raises(Full) as caught:
        lanes.put(job("ingest", 10)[0])
    assert caught.value.waiting == 100
    lanes.put(job("query", 10)[0])


def test_an_empty_lane_takes_one_request_of_any_size(lanes: Lanes) -> None:
    lanes.put(job("ingest", 500)[0])
    with pytest.raises(Full):
        lanes.put(job("ingest", 1)[0])


def test_closed_it_takes_nothing_and_gives_what_waits(lanes: Lanes) -> None:
    waiting, _ = job("ingest", 10)
    lanes.put(waiting)
    lanes.close()
    with pytest.raises(Full):
        lanes.put(job("query", 1)[0])
    assert lanes.take(10) == [(waiting, 0)]
    assert lanes.take(10) == []


def test_a_job_ends_once() -> None:
    one, ended = job("query", 1, 1)
    one.fill(0, np.ones(2, np.float32))
    assert ended == []
    one.fill(1, np.ones(2, np.float32))
    one.fail(RuntimeError())
    assert ended == [one]
    assert one.error is None
