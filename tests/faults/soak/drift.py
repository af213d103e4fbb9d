"""Whether something only ever grows. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from tests.faults.soak.samples import Flow, Usage

WARM_UP_SECONDS = 180.0
"""Of each life of a process: code is compiled, caches fill."""
LIFE_SECONDS = 600.0
"""A shorter life shows no leak."""
GROWTH = 1.15
GROWTH_MB = 40.0
MORE_FILES = 20
MORE_THREADS = 20
SLOWER = 2.0
SLOWER_MS = 30.0
CALM_SECONDS = 60.0
"""Behind a fault, before its p99 counts again."""


def leaks(usage: Sequence[Usage]) -> Iterator[str]:
    """Each process life whose second half holds clearly more memory, files or threads than its first."""
    for (name, pid), life in lives(usage).items():
        settled = [one for one in life if one.seconds - life[0].seconds >= WARM_UP_SECONDS]
        if life[-1].seconds - life[0].seconds < LIFE_SECONDS or len(settled) < 8:
            continue
        quarter = len(settled) // 4
        early, late = settled[:quarter], settled[-quarter:]
        # The store's log and vectors are mapped files, whose pages come and go by up to 32 MB for each file.
        before, after = (median(one.private_mb for one in part) for part in (early, late))
        if after > before * GROWTH and after > before + GROWTH_MB:
            yield f"{name} ({pid}): memory from {before:.0f} to {after:.0f} MB"
        for what, most in (("files", MORE_FILES), ("threads", MORE_THREADS)):
            before, after = (median(getattr(one, what) for one in part) for part in (early, late))
            if after > before + most:
                yield f"{name} ({pid}): {what} from {before:.0f} to {after:.0f}"


def lives(usage: Sequence[Usage]) -> dict[tuple[str, int], list[Usage]]:
    """The samples of each life of each process, in order."""
    found: dict[tuple[str, int], list[Usage]] = defaultdict(list)
    for one in usage:
        found[one.name, one.pid].append(one)
    return dict(found)


def slowdown(flow: Sequence[Flow], faults: Sequence[float]) -> str | None:
    """Whether the p99 of the calm times is clearly higher in the last third than in the first. ``faults``: seconds."""
    calm = [
        (one.seconds, one.p99_ms)
        for one in flow
        if one.p99_ms is not None
        and one.seconds > WARM_UP_SECONDS
        and not any(0 <= one.seconds - fault < CALM_SECONDS for fault in faults)
    ]
    if len(calm) < 30:
        return None
    third = len(calm) // 3
    before, after = (median(value for _, value in part) for part in (calm[:third], calm[-third:]))
    if after > before * SLOWER and after > before + SLOWER_MS:
        return f"p99 in calm times from {before:.0f} to {after:.0f} ms"
    return None


def pile(flow: Sequence[Flow]) -> str | None:
    """Whether the records that wait only ever grew over the last third."""
    known = [one.lag for one in flow[-max(3, len(flow) // 3) :] if one.lag >= 0]
    if len(known) >= 10 and all(later >= earlier for earlier, later in pairwise(known)) and known[-1] > known[0] + 100:
        return f"lag from {known[0]} to {known[-1]} records"
    return None
