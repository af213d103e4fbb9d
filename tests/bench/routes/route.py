"""One route: its settings, and which of its processes can die."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.running import running
from freshet.stack.settings import EmbeddingRoute, StackSettings


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    embedding: EmbeddingRoute
    environment: dict[str, str]
    victim: str
    """What is killed, in words."""
    kill: Callable[[LocalStack], None]


def _taskmanager(stack: LocalStack) -> None:
    stack.taskmanager.kill()


def _server(stack: LocalStack) -> None:
    assert stack.inference is not None
    stack.inference.kill()


def python_workers(stack: LocalStack) -> list[psutil.Process]:
    """Flink's, in process mode."""
    children = psutil.Process(stack.taskmanager.pid).children(recursive=True)
    return [one for one in children if "python" in one.name()]


def _worker(stack: LocalStack) -> None:
    for one in python_workers(stack):
        one.kill()


ROUTES = {
    "thread": Route(
        "table function, thread mode", "in-process", {}, "TaskManager, which the model is in", _taskmanager
    ),
    "process": Route(
        "table function, process mode",
        "in-process",
        {"FRESHET_JOB_EXECUTION_MODE": "process"},
        "Python worker",
        _worker,
    ),
    "ml-predict": Route("`ML_PREDICT`, one server", "ml-predict", {}, "inference server", _server),
}


@contextmanager
def started(route: Route, folder: Path) -> Iterator[LocalStack]:
    """A stack of its own with this route. Blocks until changes flow; at the end nothing is left running."""
    settings = StackSettings(
        state=folder,
        search_port=free_port(),
        kafka_port=free_port(),
        flink_port=free_port(),
        embedding=route.embedding,
        environment=tuple(route.environment.items()),
    )
    with running(settings) as stack:
        yield stack
