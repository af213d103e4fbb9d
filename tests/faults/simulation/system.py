"""Which code is simulated: the real one, unless a mutant replaces a piece of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from consumers.upserter import Upserter
from flink_jobs.guard import VersionGuard
from tests.faults.simulation.access import LetterAccess, StoreAccess
from tests.faults.simulation.job import MakeGuard, MakeIngestion, real_ingestion
from tests.faults.simulation.source import GroupSource


@dataclass(frozen=True, slots=True)
class System:
    """The real code by default."""

    upserter: Callable[..., Upserter] = Upserter
    source: type[GroupSource] = GroupSource
    store: type[StoreAccess] = StoreAccess
    letters: type[LetterAccess] = LetterAccess
    ingestion: MakeIngestion = real_ingestion
    guard: MakeGuard = VersionGuard
