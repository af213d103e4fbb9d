"""The buffer between librdkafka's one queue and the batches: nothing lost, order kept, everyone has turns."""

from __future__ import annotations

import time
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumers.fairness import FairBuffer

PARTITIONS = 4
HIGH, LOW, BROUGHT = 20, 8, 7


class Consumption(RuleBasedStateMachine):
    """A broker with endless partitions fills the buffer as KafkaSource does, and batches are taken from it."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer: FairBuffer[tuple[int, int]] = FairBuffer(HIGH, LOW)
        self.fetched: dict[int, int] = defaultdict(int)
        """The next number that the broker sends of each partition."""
        self.taken: dict[int, int] = defaultdict(int)
        """The next number that a batch has to hold of each partition."""
        self.passed_over: dict[int, int] = defaultdict(int)
        """Takes in a row that gave a waiting partition nothing."""
        self.paused: frozenset[int] = frozenset()

    @rule(partition=st.integers(0, PARTITIONS - 1), count=st.integers(1, BROUGHT))
    def fill(self, partition: int, count: int) -> None:
        if partition in self.paused:
            return
        for _ in range(count):
            self.buffer.put(partition, (partition, self.fetched[partition]))
            self.fetched[partition] += 1
        self.paused |= self.buffer.full

    @rule(limit=st.integers(1, 3 * HIGH))
    def take(self, limit: int) -> None:
        waiting = {one: self.fetched[one] - self.taken[one] for one in range(PARTITIONS)}
        batch = self.buffer.take(limit)
        assert len(batch) == min(limit, sum(waiting.values()))
        got: dict[int, int] = defaultdict(int)
        for partition, number in batch:
            assert number == self.taken[partition]
            self.taken[partition] += 1
            got[partition] += 1
        for partition, before in waiting.items():
            starved = before > 0 and not got[partition]
            self.passed_over[partition] = self.passed_over[partition] + 1 if starved else 0
            assert self.passed_over[partition] < PARTITIONS, "others were served, and again others"
            if before > got[partition] and limit >= PARTITIONS:
                assert got[partition] >= max(got.values()) - 1, "it had more to give than it was asked for"
        self.paused -= self.buffer.hungry()

    @precondition(lambda self: len(self.buffer) > 0)
    @rule(partition=st.integers(0, PARTITIONS - 1))
    def rewind(self, partition: int) -> None:
        self.buffer.drop([partition])
        self.fetched[partition] = self.taken[partition]
        self.passed_over[partition] = 0
        self.paused -= {partition}

    @invariant()
    def all_is_there_once(self) -> None:
        assert len(self.buffer) == sum(self.fetched[one] - self.taken[one] for one in range(PARTITIONS))

    @invariant()
    def it_is_bounded(self) -> None:
        for partition in range(PARTITIONS):
            assert self.fetched[partition] - self.taken[partition] < HIGH + BROUGHT

    @invariant()
    def none_is_paused_for_ever(self) -> None:
        for partition in self.paused:
            assert self.fetched[partition] - self.taken[partition] > LOW


TestConsumption = Consumption.TestCase


@given(backlog=st.integers(1, 5_000), limit=st.integers(PARTITIONS, 500))
def test_a_backlog_does_not_delay_a_new_record_of_another_partition(backlog: int, limit: int) -> None:
    buffer: FairBuffer[str] = FairBuffer(HIGH, LOW)
    for _ in range(backlog):
        buffer.put(0, "old")
    buffer.take(1)
    buffer.put(1, "new")
    assert "new" in buffer.take(limit)


def test_a_partition_is_full_until_it_is_down_at_the_low_water() -> None:
    buffer: FairBuffer[int] = FairBuffer(high=10, low=4)
    for number in range(10):
        buffer.put(3, number)
    assert buffer.full == {3}
    buffer.take(5)
    assert buffer.hungry() == frozenset()
    buffer.take(1)
    assert buffer.hungry() == {3}
    assert buffer.full == frozenset()
    assert buffer.hungry() == frozenset()


def test_a_dropped_partition_is_neither_full_nor_served() -> None:
    buffer: FairBuffer[int] = FairBuffer(high=1, low=0)
    buffer.put(0, 0)
    buffer.put(1, 1)
    buffer.drop([0, 7])
    assert buffer.full == {1}
    assert buffer.take(10) == [1]
    assert len(buffer) == 0


@pytest.mark.parametrize(("high", "low"), [(1, 1), (5, -1), (0, 0)])
def test_marks_that_could_never_work_are_refused(high: int, low: int) -> None:
    with pytest.raises(ValueError, match="low < high"):
        FairBuffer(high, low)


def test_a_record_costs_microseconds() -> None:
    """A wide bound on the processor time of this thread: the aim is that no batch notices, not a figure."""
    buffer: FairBuffer[int] = FairBuffer(1_000, 500)
    started = time.thread_time()
    for number in range(20_000):
        buffer.put(number % PARTITIONS, number)
        if number % 100 == 99:
            buffer.take(100)
            buffer.hungry()
    assert (time.thread_time() - started) / 20_000 < 20e-6
