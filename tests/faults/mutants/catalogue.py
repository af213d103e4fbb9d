"""Every mutant, and how one is hunted: seed after seed until something is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from unittest.mock import patch

from consumers import progress
from freshet.store import Progress
from tests.faults.harness.checker import Finding
from tests.faults.mutants import consumers, jobs
from tests.faults.simulation.system import System
from tests.faults.simulation.world import run


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    system: System = field(default_factory=System)
    patched: Callable[[], AbstractContextManager[object]] = nullcontext
    near: int = 0
    """Where the test begins to look, so that it need not run the hundreds of seeds that a rare one takes."""
    within: int = 60
    """Seeds in which it must be found."""
    harmless: bool = False
    """Nothing may be found in those seeds."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """``finding`` is None where nothing was found; ``events`` are those of all ``seeds`` that it took."""

    mutant: Mutant
    finding: Finding | None
    seeds: int
    events: int


MUTANTS = (
    Mutant("commit at fetch (auto-commit)", System(source=consumers.CommitsAtFetch)),
    Mutant("commit before write", System(upserter=consumers.CommitsBeforeWrite)),
    Mutant("no version guard in the plan", System(upserter=consumers.IgnoresVersions)),
    Mutant(
        "guard by arrival instead of version",
        System(upserter=consumers.IgnoresVersions, store=consumers.LatestArrivalWins),
    ),
    Mutant("hard delete, no tombstone", System(upserter=consumers.Trusting, store=consumers.HardDelete)),
    Mutant("drop on store error", System(upserter=consumers.DropsOnStoreError)),
    Mutant("batch in a map by document", System(upserter=consumers.KeepsBatchInMap)),
    Mutant("a version is complete when one part is", patched=lambda: patch.object(progress, "complete", _one_part)),
    Mutant("only one version under way", patched=lambda: patch.object(progress, "MAX_INCOMPLETE", 1)),
    Mutant("heads not compared with what they were made from",
           System(store=consumers.BlindHeads), near=95),
    Mutant("intervals by the time of day", System(upserter=consumers.by_time_of_day)),
    Mutant("heads not read again before the commit", System(upserter=consumers.Trusting)),
    Mutant("consumer drops dead letters", System(letters=consumers.DropsLetters)),
    Mutant("job drops dead letters", System(ingestion=jobs.drops_refused)),
    Mutant("job drops what the model was away for", System(ingestion=jobs.drops_when_away)),
    Mutant("job's guard counts a version that failed", System(guard=jobs.HastyGuard), near=220),
    Mutant("job's guard forgets everything", System(guard=jobs.ForgetfulGuard), within=40, harmless=True),
    Mutant("none: the code as it is", within=60, harmless=True),
)  # fmt: skip


def hunt(mutant: Mutant, first: int, most: int, *, watched: bool = True) -> Hunt:
    """Run that many seeds on it, or until something is found; unless ``watched``, found by the check at the end."""
    events = 0
    with mutant.patched():
        for seed in range(first, first + most):
            outcome = run(seed, mutant.system, watched=watched)
            events += outcome.events
            if outcome.findings:
                return Hunt(mutant, outcome.findings[0], seed + 1 - first, events)
    return Hunt(mutant, None, most, events)


def _one_part(noted: Progress) -> bool:
    return bool(noted.full)
