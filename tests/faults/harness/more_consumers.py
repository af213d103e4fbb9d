"""Further consumer processes beside the stack's own: a Qdrant server may have any number of writers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from freshet.stack.lag import members
from freshet.stack.process import wait_until
from freshet.stack.python_process import PythonProcess
from tests.faults.harness.trial import Trial

JOIN_SECONDS = 60.0


class MoreConsumers:
    """The test's own: the supervisor does not know them."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._started = 0
        self._running: list[PythonProcess] = []

    def join(self) -> None:
        """One more. Returns at once."""
        self._started += 1
        name = f"consumer-{self._started + 1}"
        log = self._trial.stack.state / "logs" / f"{name}.log"
        process = PythonProcess(name, log, "freshet.host", ("consumer",), self._trial.stack.consumer.settings)
        process.start()
        self._running.append(process)

    def leave(self) -> None:
        """The oldest goes, in order."""
        self._running[0].check()
        self._running.pop(0).stop()

    def wait_shared(self) -> None:
        """Block until all of them and the stack's own have partitions. Raises ProcessFailed."""
        wanted = len(self._running) + 1
        shared = f"{wanted} consumers have partitions"
        wait_until(lambda: members(self._trial.lab.kafka) == wanted, shared, JOIN_SECONDS, self._running)

    def stop(self) -> None:
        for process in self._running:
            process.stop()


@contextmanager
def more_consumers(trial: Trial, count: int) -> Iterator[MoreConsumers]:
    """``count`` further ones that have partitions, for the length of the block."""
    opened = MoreConsumers(trial)
    try:
        for _ in range(count):
            opened.join()
        opened.wait_shared()
        yield opened
    finally:
        opened.stop()
