"""A process is killed while records are in flight: nothing is lost, and the supervisor brings it back.

Those that tests/faults kills in a short run are not among them.
"""

from __future__ import annotations

import pytest

from freshet.stack.flink_job import job_runs
from freshet.stack.process import ProcessFailed, wait_until
from freshet.stack.supervisor import Supervisor
from tests.integration.pipeline import Pipeline

IN_FLIGHT = 150
RECOVERY_SECONDS = 90.0


@pytest.mark.parametrize("victim", ["jobmanager", "kafka"])
def test_a_killed_process_comes_back_and_nothing_is_lost(pipeline: Pipeline, victim: str) -> None:
    stack = pipeline.stack
    supervisor = Supervisor(stack)
    for number in range(IN_FLIGHT):
        pipeline.publish(f"doc-{number}", f"Number {number} of the documents that wait while a process dies.", 1)
    next(process for process in stack.processes if process.name == victim).kill()

    def recovered() -> bool:
        supervisor.check()
        return not supervisor.down() and not stack.submission.alive and job_runs(stack.flink.url)

    wait_until(recovered, f"everything runs again after {victim} was killed", RECOVERY_SECONDS)
    for number in range(0, IN_FLIGHT, 10):
        pipeline.publish(f"doc-{number}", f"Number {number} was written again after that.", 2)
    for number in range(IN_FLIGHT):
        pipeline.wait_version(f"doc-{number}", 1 if number % 10 else 2, watch=())
    pipeline.publish("end", "the end", 1)
    pipeline.wait_version("end", 1)
    try:
        wait_until(lambda: stack.backlog() == 0, "nothing waits", 30)
    except ProcessFailed as error:
        raise AssertionError(str(error)) from error
    expected = {f"doc-{number}": {1 if number % 10 else 2} for number in range(IN_FLIGHT)}
    for number in range(IN_FLIGHT):
        answer = pipeline.document(f"doc-{number}").json()
        assert {answer["version"]} == expected[f"doc-{number}"]
        assert len(answer["chunks"]) == 1
