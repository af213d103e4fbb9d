"""What a load sends: an endless series of changes that depends on the seed alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.faults.harness.ledger import Change
from tests.faults.harness.poison import Poison, poison
from tests.faults.harness.texts import text

FIRST_VERSION = 1_700_000_000_000_000_000
"""Versions look like nanoseconds since the epoch, which a double cannot tell apart."""
SPACING = 1_000_000
HOT_SHARE = 0.5
"""Of the changes, on a tenth of the documents."""

Step = Change | Poison


@dataclass(frozen=True, slots=True)
class Plan:
    """``rate`` in records per second. All ids start with ``prefix``."""

    prefix: str
    seed: int
    rate: float = 90.0
    documents: int = 150
    long: bool = True
    """Also texts of tens and hundreds of chunks."""
    deletes: float = 0.12
    """Share of the changes of a document that is there."""
    copies: int = 1
    """How often each change is sent."""
    window: int = 1
    """Steps are shuffled within windows of so many."""
    skew_ns: int = 0
    """Half of the changes have a version from a clock that is this much ahead, half from one that is behind."""
    poison: float = 0.0
    """Share of the steps that are records which no stage can use."""


def steps(plan: Plan) -> Iterator[Step]:
    """Endless. Each change has a version of its own; a document's versions grow unless the clocks are skewed."""
    choose = random.Random(plan.seed)
    series: Iterator[Step] = _with_poison(_changes(plan, choose), plan, choose)
    repeated = (step for step in series for _ in range(plan.copies))
    return _shuffled(repeated, plan.window, choose) if plan.window > 1 else repeated


def _changes(plan: Plan, choose: random.Random) -> Iterator[Change]:
    live: set[str] = set()
    number = 0
    while True:
        number += 1
        hot = choose.random() < HOT_SHARE
        index = choose.randrange(max(1, plan.documents // 10) if hot else plan.documents)
        document_id = f"{plan.prefix}/doc-{index}"
        version = FIRST_VERSION + number * SPACING + choose.choice((-1, 1)) * plan.skew_ns
        if document_id in live and choose.random() < plan.deletes:
            live.discard(document_id)
            yield Change(document_id, version, "delete")
        else:
            live.add(document_id)
            yield Change(document_id, version, "upsert", text(choose, f"{plan.prefix} {index} {number}", plan.long))


def _with_poison(changes: Iterable[Change], plan: Plan, choose: random.Random) -> Iterator[Step]:
    number = 0
    for change in changes:
        if plan.poison and choose.random() < plan.poison:
            yield poison(number, plan.prefix)
            number += 1
        yield change


def _shuffled(series: Iterator[Step], window: int, choose: random.Random) -> Iterator[Step]:
    while True:
        held = [next(series) for _ in range(window)]
        choose.shuffle(held)
        yield from held
