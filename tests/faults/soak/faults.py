"""What happens to the stack in a soak, one at a time, chosen by the seed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from freshet.stack.local import LocalStack
from freshet.stack.process import StackProcess

FROZEN_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    do: Callable[[], None]
    """Returns when it is done; what died is brought back by the supervisor."""


def faults(stack: LocalStack, choose: random.Random) -> Iterator[Fault]:
    """Endless: every kind once in each round, in an order that the seed decides."""
    kinds = [
        Fault("kill -9 of serve", stack.serve.kill),
        Fault("kill -9 of the TaskManager", stack.taskmanager.kill),
        Fault("kill -9 of the JobManager", stack.jobmanager.kill),
        Fault("kill -9 of the broker", stack.broker.kill),
        Fault("SIGTERM of serve", stack.serve.stop),
        Fault("restart of the broker", stack.broker.stop),
        Fault("serve frozen", lambda: _freeze(stack.serve)),
        Fault("TaskManager frozen", lambda: _freeze(stack.taskmanager)),
        Fault("broker frozen", lambda: _freeze(stack.broker)),
    ]
    while True:
        choose.shuffle(kinds)
        yield from kinds


def _freeze(process: StackProcess) -> None:
    with process.frozen():
        time.sleep(FROZEN_SECONDS)
