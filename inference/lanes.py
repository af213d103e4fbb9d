"""The queue in front of the model: two lanes, bounded, with deadlines. No threads and no model in here.

A request waits as a ``Job`` of one or more texts. ``take`` hands out texts up to a budget of tokens: each turn of a
lane takes from its oldest job, which then goes to the end of its lane, so that a request of thousands of texts delays
a small one behind it by one turn only.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from inference.model import Row, Vector

Lane = Literal["query", "ingest"]
LANES: tuple[Lane, ...] = ("query", "ingest")
Monotonic = Callable[[], float]


class DeadlinePassed(Exception):
    """Before the computation began; nothing of it was computed after."""


class Full(Exception):
    """The lane holds as much as it may. ``waiting`` is its tokens."""

    def __init__(self, waiting: int) -> None:
        super().__init__(waiting)
        self.waiting = waiting


class Job:
    """The texts of one request that have to be computed; filled in by whoever took them."""

    def __init__(
        self, rows: Sequence[Row], lane: Lane, deadline: float, done: Callable[[Job], None], dimension: int
    ) -> None:
        """``deadline`` is on the queue's clock. ``done`` is called once, from any thread, with or without error."""
        self.rows = rows
        self.lane = lane
        self.deadline = deadline
        self.vectors = np.empty((len(rows), dimension), np.float32)
        self.error: BaseException | None = None
        self.tokens = sum(len(row) for row in rows)
        self._done = done
        self._next = 0
        self._missing = len(rows)
        self._settling = threading.Lock()

    @property
    def settled(self) -> bool:
        return self._missing == 0

    def next_tokens(self) -> int:
        return len(self.rows[self._next])

    def next_index(self) -> int:
        self._next += 1
        return self._next - 1

    @property
    def untaken(self) -> Sequence[Row]:
        return self.rows[self._next :]

    def fill(self, index: int, vector: Vector) -> None:
        self.vectors[index] = vector
        with self._settling:
            self._missing = max(0, self._missing - 1)
            last = self._missing == 0 and self.error is None
        if last:
            self._done(self)

    def fail(self, error: BaseException) -> None:
        """End it; a second error, and vectors that come after, change nothing."""
        with self._settling:
            if self.error is not None or self._missing == 0:
                return
            self.error = error
            self._missing = 0
        self._done(self)


Taken = tuple[Job, int]
"""A job and the index of one of its rows."""


class Lanes:
    """Safe to call from several threads."""

    def __init__(self, max_tokens: int, query_share: float, clock: Monotonic) -> None:
        """``max_tokens`` may wait in each lane; queries get ``query_share`` of what is taken while both lanes wait."""
        self._max_tokens = max_tokens
        self._clock = clock
        self._jobs: dict[Lane, deque[Job]] = {lane: deque() for lane in LANES}
        self._tokens: dict[Lane, int] = dict.fromkeys(LANES, 0)
        self._weight: dict[Lane, float] = {"query": query_share, "ingest": 1 - query_share}
        self._credit = 0.0
        self._closed = False
        self._changed = threading.Condition()

    def waiting(self, lane: Lane) -> int:
        """Tokens."""
        return self._tokens[lane]

    def put(self, job: Job) -> None:
        """Raises Full where it does not fit; a job that alone is larger than the bound fits into an empty lane."""
        with self._changed:
            waiting = self._tokens[job.lane]
            if self._closed or (waiting and waiting + job.tokens > self._max_tokens):
                raise Full(waiting)
            self._jobs[job.lane].append(job)
            self._tokens[job.lane] += job.tokens
            self._changed.notify()

    def take(self, budget: int) -> list[Taken]:
        """Block for texts of at most ``budget`` tokens together, or one text. Empty once closed and drained."""
        with self._changed:
            while True:
                taken = self.take_now(budget)
                if taken or self._closed:
                    return taken
                self._changed.wait()

    def take_now(self, budget: int) -> list[Taken]:
        """The same without waiting: empty where nothing waits."""
        with self._changed:
            taken: list[Taken] = []
            used = 0
            while (lane := self._choose()) is not None:
                job = self._jobs[lane][0]
                if taken and used + job.next_tokens() > budget:
                    break
                contested = all(self._jobs.values())
                turn = self._take_from(lane, budget - used, taken)
                used += turn
                if contested:
                    # What a lane takes while the other waits, it owes to it, by their weights.
                    self._credit += -turn / self._weight["query"] if lane == "query" else turn / self._weight["ingest"]
            if any(self._jobs.values()):
                self._changed.notify()
            return taken

    def close(self) -> None:
        """Nothing more comes in; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _choose(self) -> Lane | None:
        """The lane whose turn it is, after dropping what nobody waits for any more."""
        for lane in LANES:
            while self._jobs[lane] and not self._wanted(self._jobs[lane][0]):
                job = self._jobs[lane].popleft()
                self._tokens[lane] -= sum(len(row) for row in job.untaken)
                job.fail(DeadlinePassed())
        if not all(self._jobs.values()):
            return next((lane for lane in LANES if self._jobs[lane]), None)
        return "query" if self._credit >= 0 else "ingest"

    def _wanted(self, job: Job) -> bool:
        return not job.settled and job.deadline > self._clock()

    def _take_from(self, lane: Lane, budget: int, taken: list[Taken]) -> int:
        """One turn of a lane's first job; returns its tokens."""
        job = self._jobs[lane].popleft()
        used = 0
        while job.untaken and (not used or used + job.next_tokens() <= budget):
            used += job.next_tokens()
            taken.append((job, job.next_index()))
        if job.untaken:
            self._jobs[lane].append(job)
        self._tokens[lane] -= used
        return used
