"""A stack for as long as a block of code needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from freshet.stack.local import LocalStack, Progress
from freshet.stack.settings import StackSettings


def started(
    settings: StackSettings,
    before: Callable[[LocalStack], None] = lambda stack: None,
    progress: Progress = lambda step, share: None,
) -> LocalStack:
    """A stack that runs. Blocks until changes flow; on an error nothing is left running.

    ``before`` is called when all processes are laid out and nothing runs.
    """
    stack = LocalStack(settings)
    try:
        stack.prepare(lambda step, share: None)
        before(stack)
        stack.start(progress)
    except BaseException:
        stack.abort()
        raise
    return stack


@contextmanager
def running(
    settings: StackSettings,
    before: Callable[[LocalStack], None] = lambda stack: None,
    progress: Progress = lambda step, share: None,
) -> Iterator[LocalStack]:
    """As ``started``. It is killed at the end, as nobody needs what it holds."""
    stack = started(settings, before, progress)
    try:
        yield stack
    finally:
        stack.abort()
