"""The lock goes round in the order of arrival."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from freshet.store.edge.turns import Turns


def test_a_thread_that_loops_starves_no_other() -> None:
    turns, counts, stop = Turns(), Counter[str](), threading.Event()

    def loop(name: str) -> None:
        while not stop.is_set():
            with turns:
                counts[name] += 1
                if counts.total() > 2_000:
                    stop.set()

    threads = [threading.Thread(target=loop, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert stop.is_set()
    assert counts.total() <= 2_003


def test_one_holder_at_a_time() -> None:
    turns, inside, most = Turns(), [0], [0]

    def enter() -> None:
        for _ in range(500):
            with turns:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1]


def test_an_error_inside_gives_it_back() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="inside"), turns:
        raise ValueError("inside")
    with turns:
        pass
