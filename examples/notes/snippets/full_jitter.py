"""Retry with exponential backoff, full jitter and one deadline for all attempts.

Full jitter waits a random time between zero and the capped exponential delay. Clients that
failed together do not come back together. The deadline bounds the whole operation: counting
attempts alone says nothing about how long a caller waits.

Use it only for operations that may be repeated. A timeout means that the outcome is unknown.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


class TemporaryError(Exception):
    """The same call may succeed later: overload, a lost connection, a leader election."""


def delays(base: float = 0.05, cap: float = 5.0) -> Iterator[float]:
    """Yield waiting times in seconds, without end."""
    ceiling = base
    while True:
        yield random.uniform(0, min(cap, ceiling))
        ceiling = min(cap, ceiling * 2)


def retry(operation: Callable[[], T], deadline_s: float = 30.0) -> T:
    """Return the operation's result, or raise its last error when the time is up."""
    give_up_at = time.monotonic() + deadline_s
    for delay in delays():
        try:
            return operation()
        except TemporaryError:
            if time.monotonic() + delay >= give_up_at:
                raise
        time.sleep(delay)
    raise AssertionError("delays() never ends")
