"""When a build stands still because others need the processors. Pure, but for the reading of the clocks.

An idle priority is not enough: on two cores, at 300 changes/s, p99 from a change to the store was 20 ms without a build
and 291 ms with builds that never stood still. Why was not traced; the caches that they share are the suspect.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import psutil

BUSY: Final = 0.6
"""Of all processors' time, taken by others."""
LOOK_S: Final = 0.25


class Usage(NamedTuple):
    """Seconds since the start of the machine, summed over its processors."""

    total: float
    idle: float
    own: float
    """Of one process, in user and kernel mode."""

    @classmethod
    def of(cls, process: psutil.Process) -> Usage:
        """Raises psutil.NoSuchProcess where it has ended."""
        machine, own = psutil.cpu_times(), process.cpu_times()
        # Linux counts the time of guests as time of the user, too.
        total = sum(machine) - getattr(machine, "guest", 0.0) - getattr(machine, "guest_nice", 0.0)
        return cls(total, machine.idle + getattr(machine, "iowait", 0.0), own.user + own.system)


class Restraint:
    """Of one build, which waits for ``patience_s`` seconds in all and then goes on regardless."""

    def __init__(self, patience_s: float) -> None:
        self._left = patience_s

    def waits(self, before: Usage, after: Usage, seconds: float) -> bool:
        """Whether to stand still until the next look, by what the others took in these last ``seconds``."""
        total = after.total - before.total
        if total <= 0 or self._left <= 0:
            return False
        others = total - (after.idle - before.idle) - (after.own - before.own)
        if others < BUSY * total:
            return False
        self._left -= seconds
        return True
