"""``python -m tests.faults.mutants`` writes docs/results/mutants.md."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from freshet.bench.machine import describe
from freshet.bench.tables import table
from tests.faults.mutants.catalogue import MUTANTS, Hunt, hunt

COMMAND = "python -m tests.faults.mutants"
PAGE = Path("docs/results/mutants.md")
_ABOUT = """\
Each row is the real consumer and job with one deliberate mistake (`tests/faults/mutants/`), run through the simulation
([decision 10](../decisions/0010-simulation.md)) on seeds 0, 1, 2 … until something is found: by an invariant that is
watched during the run (searches, each commit, a replay at the end), or, in the last three columns, by the checker
alone, which compares ledger, store and dead letters when all is quiet. *kind* is as in
`tests/faults/harness/checker.py`; *events* are the turns of all those seeds together. Nothing must be found in two
rows: the job's guard without a memory, since it only saves work, and the code as it is. At most {most} seeds were
tried.
"""
_MOST = 250


def main() -> int:
    logging.disable(logging.CRITICAL)
    machine = describe()
    hunts = [(hunt(one, 0, _MOST), hunt(one, 0, _MOST, watched=False)) for one in MUTANTS]
    header = f"# Mutants\n\n{_ABOUT.format(most=_MOST)}\n- command: `{COMMAND}`\n{machine}\n"
    columns = ("mutant", "kind", "found as", "seeds", "events", "checker alone: kind", "seeds", "events")
    PAGE.write_text(f"{header}\n{table(columns, [_row(*both) for both in hunts])}\n")
    sys.stdout.write(PAGE.read_text())
    return int(any((first.finding is None) != first.mutant.harmless for first, _ in hunts))


def _row(first: Hunt, alone: Hunt) -> list[str]:
    kind, detail = (first.finding.kind.name, first.finding.detail) if first.finding else ("nothing", "–")
    end = alone.finding.kind.name if alone.finding else "nothing"
    return [
        first.mutant.name,
        kind,
        detail,
        str(first.seeds),
        str(first.events),
        end,
        str(alone.seeds),
        str(alone.events),
    ]


if __name__ == "__main__":
    sys.exit(main())
