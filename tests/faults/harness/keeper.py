"""The supervisor of the product in a thread, as ``freshet up`` runs it in its main one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from freshet.stack.flink_job import job_runs
from freshet.stack.local import LocalStack
from freshet.stack.process import StackProcess
from freshet.stack.supervisor import Supervisor

EVERY_SECONDS = 0.2


class Keeper:
    """The same thread for as long as the stack lives: a process that it started dies with it."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._supervisor: Supervisor | None = None
        self._turn = threading.RLock()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Bring back what dies, from here on, and remember no earlier death. Raises what ended the supervisor."""
        with self._turn:
            self._supervisor = Supervisor(self._stack)
        if self._failure is not None:
            raise self._failure

    @contextmanager
    def held(self) -> Iterator[None]:
        """For the length of the block the stack's processes are the caller's, to stop them and change their settings.

        What is dead at its end comes back.
        """
        with self._turn:
            yield

    def stop(self) -> None:
        """The processes that it started end too."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(EVERY_SECONDS):
                with self._turn:
                    if self._supervisor is not None:
                        self._supervisor.check()
        except BaseException as error:
            self._failure = error


def all_runs(stack: LocalStack) -> bool:
    """Whether every process serves, and the job runs. Blocks for a few requests."""
    return (
        all(_serves(process) for process in stack.processes)
        and not stack.submission.alive
        and job_runs(stack.flink.url)
    )


def _serves(process: StackProcess) -> bool:
    return process.alive and process.ready()
