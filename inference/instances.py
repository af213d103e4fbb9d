"""Threads that take texts from the lanes and compute them, one model run each at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freshet import metrics
from freshet.errors import RejectedRecord
from inference.lanes import Lanes, Taken
from inference.model import Model, Row

_log = logging.getLogger(__name__)
_SMOOTHING = 0.1
_COMPUTED = metrics.INFERENCE_TOKENS.counter()
_SECONDS = metrics.INFERENCE_BATCH_SECONDS.histogram()
_FAILURES = metrics.EMBED_FAILURES.counter()


class BadItem(Exception):
    """The model gave no usable vector for this row of the job."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(index, reason)
        self.index = index
        self.reason = reason


class Instances:
    """``count`` threads over one loaded model: its weights are in memory once, each thread runs on its own core."""

    def __init__(self, model: Model, lanes: Lanes, count: int, batch_tokens: int, pin: bool = False) -> None:
        self._model = model
        self._lanes = lanes
        self._budget = batch_tokens
        self._pin = pin
        self._tokens_a_second = 0.0
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"instance-{number}", daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> bool:
        """Wait for the end after ``Lanes.close``; whether all have ended."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def seconds_for(self, tokens: int) -> float:
        """How long that many take, as fast as it went lately; 1 where nothing was computed yet."""
        return tokens / (self._tokens_a_second * len(self._threads)) if self._tokens_a_second else 1.0

    def _run(self, number: int) -> None:
        if self._pin:
            _pin_to(number)
        while taken := self._lanes.take(self._budget):
            started = time.perf_counter()
            try:
                self._compute(taken)
            except Exception as error:
                # This thread must live on: it is one of few. Only those whose texts it held are told.
                _FAILURES.inc()
                _log.exception("a batch could not be computed")
                for job, _ in taken:
                    job.fail(error)
            elapsed = time.perf_counter() - started
            tokens = sum(len(job.rows[index]) for job, index in taken)
            _SECONDS.observe(elapsed)
            _COMPUTED.labels(taken[0][0].lane).inc(tokens)
            rate = tokens / max(elapsed, 1e-6)
            self._tokens_a_second += _SMOOTHING * (rate - self._tokens_a_second) if self._tokens_a_second else rate

    def _compute(self, taken: Sequence[Taken]) -> None:
        try:
            vectors = checked(self._model, [job.rows[index] for job, index in taken])
        except RejectedRecord:
            # One of them is bad, its neighbours are not: one by one tells which.
            for job, index in taken:
                try:
                    job.fill(index, checked(self._model, [job.rows[index]])[0])
                except RejectedRecord as error:
                    job.fail(BadItem(index, f"{error.reason}: {error.detail}"))
            return
        for (job, index), vector in zip(taken, vectors, strict=True):
            job.fill(index, vector)


def checked(model: Model, rows: Sequence[Row]) -> NDArray[np.float32]:
    """The model's vectors. Raises RejectedRecord("bad-vector") where one is not finite, whatever the engine checks."""
    vectors = model.embed_rows(rows)
    if not np.isfinite(vectors).all():
        raise RejectedRecord("bad-vector", "the model returned NaN or infinity")
    return vectors


def _pin_to(number: int) -> None:
    try:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(threading.get_native_id(), {cores[number % len(cores)]})
    except (AttributeError, OSError) as error:
        _log.warning("an instance is not pinned to a core: %s", error)
