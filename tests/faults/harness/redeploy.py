"""Parts of the stack stopped in order and started with other settings, as an operator would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from freshet.stack.flink_job import job_runs, running_jobs, stop_job
from freshet.stack.process import wait_until
from tests.faults.harness.lab import Lab

START_SECONDS = 120.0


@contextmanager
def serve_with(lab: Lab, **settings: str) -> Iterator[None]:
    """For the length of the block, consumer and search run with further settings. Blocks for each restart."""
    before = dict(lab.stack.serve.settings)
    _restart_serve(lab, {**before, **settings})
    try:
        yield
    finally:
        _restart_serve(lab, before)


@contextmanager
def job_with(lab: Lab, **settings: str) -> Iterator[None]:
    """For the length of the block, the job runs with further settings, from the savepoint of the former.

    Each time in a new TaskManager, in which nothing of the other job lives on.
    """
    before = dict(lab.stack.submission.settings)
    try:
        _redeploy_job(lab, {**before, **settings})
        yield
    finally:
        _redeploy_job(lab, before)


@contextmanager
def job_stopped(lab: Lab, forget: bool = False) -> Iterator[None]:
    """No job for the length of the block; behind it one is submitted and runs. ``forget``: not from a checkpoint."""
    stack = lab.stack
    with lab.keeper.held():
        stop_job(stack.flink)
        wait_until(lambda: not running_jobs(stack.flink.url), "the job has stopped", START_SECONDS)
        if forget:
            shutil.rmtree(stack.flink.checkpoints)
            stack.flink.checkpoints.mkdir()
        yield
        stack.submission.start()
    processes = (stack.jobmanager, stack.taskmanager)
    wait_until(lambda: job_runs(stack.flink.url), "the job runs", START_SECONDS, processes)


@contextmanager
def serve_stopped(lab: Lab) -> Iterator[None]:
    """Neither consumer nor search for the length of the block; behind it they start."""
    with lab.keeper.held():
        lab.stack.serve.stop()
        yield
        lab.stack.serve.start()
    lab.stack.serve.wait_ready(START_SECONDS)


def _redeploy_job(lab: Lab, settings: dict[str, str]) -> None:
    with job_stopped(lab):
        lab.stack.submission.settings = settings
        lab.stack.taskmanager.stop()
        lab.stack.taskmanager.start()


def _restart_serve(lab: Lab, settings: dict[str, str]) -> None:
    with serve_stopped(lab):
        lab.stack.serve.settings = settings
