"""kill -9 of Flink's Python worker: in process mode a process of its own, by default a part of the TaskManager."""

from __future__ import annotations

import psutil
import pytest

from freshet.stack.process import wait_until
from tests.faults.harness.redeploy import job_with
from tests.faults.harness.trial import RECOVERY_SECONDS, Trial

pytestmark = pytest.mark.timeout(400)


def test_kill_9_of_the_python_worker_in_process_mode(trial: Trial) -> None:
    def workers() -> list[psutil.Process]:
        children = psutil.Process(trial.stack.taskmanager.pid).children(recursive=True)
        return [one for one in children if "python" in one.name()]

    def kill() -> None:
        for worker in workers():
            worker.kill()

    with job_with(trial.lab, FRESHET_JOB_EXECUTION_MODE="process"):
        with trial.under_load(rate=60):
            wait_until(lambda: bool(workers()), "the worker runs", RECOVERY_SECONDS)
            trial.pile_up(trial.stack.taskmanager)
            trial.breaks(kill)
        trial.verify()
