"""One consumer process: the real Upserter between a simulated source, store and dead letters."""

from __future__ import annotations

from consumers.observer import Observer
from consumers.settings import ConsumerSettings
from consumers.upserter import Upserter
from freshet.dead_letters import DeadLetter
from tests.faults.simulation.access import Outage
from tests.faults.simulation.clock import SECOND
from tests.faults.simulation.double import COLLECTION
from tests.faults.simulation.kafka import Group
from tests.faults.simulation.process import Process
from tests.faults.simulation.store import SimulatedStore
from tests.faults.simulation.system import System

_OBSERVER = Observer(lambda: 0)


def start(
    system: System, group: Group, store: SimulatedStore, outage: Outage, letters: list[DeadLetter], process: Process
) -> None:
    """``process`` begins to consume; every step is one turn."""
    chance = process.chance
    limit = chance.one_of((1, 3, 10, 50))
    settings = ConsumerSettings(
        initial_limit=limit,
        linger_seconds=0.005 if limit == 50 else 0.0,
        adapt_seconds=1e6,
        commit_seconds=chance.one_of((0.01, 0.05, 0.5)),
        retry_seconds=chance.one_of((0.1, 1.0)),
    )

    def body() -> None:
        upserter: Upserter

        def release(partitions: frozenset[int]) -> None:
            upserter.release(partitions)

        upserter = system.upserter(
            source=system.source(group, process, release),
            store=system.store(store, process, outage),
            dead_letters=system.letters(letters, process),
            collection=COLLECTION,
            settings=settings,
            policy=lambda limit, seen: limit,
            observer=_OBSERVER,
            clock=lambda: process.clock.now + int(process.skew * SECOND),
            ticks=lambda: process.clock.now,
        )
        while True:
            upserter.step(wait_seconds=0.02)
            process.rest(0)

    process.start(body)
