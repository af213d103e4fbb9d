from __future__ import annotations

import asyncio
import threading

import pytest

from search.problems import Problem
from search.workers import Workers


def test_beyond_its_bound_it_refuses_at_once() -> None:
    workers = Workers("test", threads=1, max_pending=2)
    gate = threading.Event()

    async def scenario() -> None:
        waiting = [asyncio.ensure_future(workers.run(gate.wait, 20)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Problem, match="Too many requests"):
            await workers.run(gate.wait, 20)
        gate.set()
        assert await asyncio.gather(*waiting) == [True, True]
        assert await workers.run(lambda: 5) == 5

    asyncio.run(scenario())
    workers.close()
