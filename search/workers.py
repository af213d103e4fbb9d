"""A few threads for what blocks, and a bound on how many requests wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from search.problems import Problem

T = TypeVar("T")


class Workers:
    """``run`` belongs to one event loop. Beyond ``max_pending`` requests it refuses at once, with status 503."""

    def __init__(self, name: str, threads: int, max_pending: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._max_pending = max_pending
        self._pending = 0

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        if self._pending >= self._max_pending:
            raise Problem(503, "Too many requests at once", f"{self._pending} are waiting", "try again in a second")
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, call, *arguments)
        finally:
            self._pending -= 1

    @property
    def pending(self) -> int:
        """Requests that wait for a thread, or run in one."""
        return self._pending

    def close(self) -> None:
        """Block until what runs has ended."""
        self._executor.shutdown(wait=True, cancel_futures=True)
