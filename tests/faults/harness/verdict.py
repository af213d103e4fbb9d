"""What came of one fault: every count, and the seed that replays it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.faults.harness.checker import Finding, Kind
from tests.faults.harness.lab import SEED

SHOWN = 25


@dataclass(frozen=True, slots=True)
class Verdict:
    """Times in seconds. ``gap`` is None where no load lasted beyond the break, ``recovery`` where p99 did not come
    below 100 ms again while it lasted.
    """

    fault: str
    seed: int
    events: int
    """Changes with a delivery report."""
    in_flight: int
    """Records that were published and not committed by a reader at the moment of the break."""
    findings: tuple[Finding, ...]
    duplicate_work: int | None
    """None where no model takes part."""
    gap: float | None
    recovery: float | None
    duration: float
    embedded: tuple[int, int] | None = None
    """How many chunks the model embedded, and how many distinct new texts there were."""

    def count(self, kind: Kind) -> int:
        return Counter(finding.kind for finding in self.findings)[kind]

    def assert_clean(self) -> None:
        """Raise AssertionError with what was found and how to replay it."""
        if self.findings:
            counts = Counter(finding.kind.name for finding in self.findings)
            shown = "\n".join(f"  {finding}" for finding in self.findings[:SHOWN])
            more = f"\n  … {len(self.findings) - SHOWN} more" if len(self.findings) > SHOWN else ""
            replay = f"{SEED}={self.seed} replays it"
            raise AssertionError(f"{self.fault}: {dict(counts)} among {self.events} changes; {replay}\n{shown}{more}")

    def row(self) -> dict[str, Any]:
        """For the table, by column."""
        main = (Kind.LOST, Kind.STALE, Kind.GHOST, Kind.TORN, Kind.DUP)
        other = Counter(finding.kind.value for finding in self.findings if finding.kind not in main)
        return {
            "fault": self.fault,
            "events": self.events,
            "in flight": self.in_flight,
            **{kind.value: self.count(kind) for kind in main},
            "other": ", ".join(f"{count} {kind}" for kind, count in sorted(other.items())) or 0,
            "dup-work": self._duplicates(),
            "gap s": _seconds(self.gap),
            "recovery s": _seconds(self.recovery),
            "duration s": f"{self.duration:.0f}",
            "seed": self.seed,
        }

    def _duplicates(self) -> str:
        if self.duplicate_work is None:
            return "–"
        made = "" if self.embedded is None else f" ({self.embedded[0]} of {self.embedded[1]})"
        return f"{self.duplicate_work}{made}"


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f}"
