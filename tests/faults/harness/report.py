"""``docs/results/faults.md``: a row for each fault, newest run of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from freshet.bench.machine import commit, describe
from freshet.bench.tables import table

COLUMNS = (
    "fault", "events", "in flight", "lost", "stale", "ghost", "torn", "dup", "other", "dup-work", "gap s",
    "recovery s", "duration s", "seed", "commit",
)  # fmt: skip
_ABOUT = """\
Each row is one fault on the real stack under load, checked exactly once all was quiet: what the producer's delivery
reports acknowledged against all that the store and the dead letters hold. `FRESHET_FAULTS_SEED=seed` replays a load.

*events*: acknowledged changes. *in flight*: records published and not committed by their reader at the break. *lost* …
*dup*: documents ([what each means](../../tests/faults/README.md)). *dup-work*: chunks that the model embedded beyond
one for each distinct text (in brackets both counts: a version that was skipped as stale needs none). *gap*: the longest
time in which nothing new became searchable. *recovery*: from the break until 20 documents in a row, one every 100 ms,
were each found within 100 ms; – where that was not so within the load, which shares the machine with all else. Rows
that a run leaves out stay, with the commit that they were taken at.
"""


def write_report(path: Path, rows: Sequence[Mapping[str, Any]], command: str) -> None:
    """Replace the rows of these faults, keep the others."""
    kept = {row["fault"]: row for row in _read(path)}
    kept.update({row["fault"]: {**row, "commit": commit()} for row in rows})
    body = [[str(row.get(column, "")) for column in COLUMNS] for _, row in sorted(kept.items())]
    header = f"# Faults\n\n{_ABOUT}\n- command: `{command}`\n{describe()}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{header}\n{table(COLUMNS, body)}\n")


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=False)) for row in cells[2:]] if cells else []
