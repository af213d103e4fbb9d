"""The table keeps what a run did not repeat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness.checker import Finding, Kind
from tests.faults.harness.report import write_report
from tests.faults.harness.verdict import Verdict


def verdict(fault: str, seed: int = 1, findings: tuple[Finding, ...] = ()) -> Verdict:
    return Verdict(fault, seed, 500, 120, findings, 3, 1.25, None, 20.0)


def test_rows_are_replaced_by_fault_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "faults.md"
    write_report(path, [verdict("one").row(), verdict("two").row()], "first")
    write_report(path, [verdict("two", seed=9).row()], "second")
    rows = [line for line in path.read_text().splitlines() if line.startswith(("| one", "| two"))]
    assert [[cell.strip() for cell in row.split("|")][14] for row in rows] == ["1", "9"]
    assert "`second`" in path.read_text()


def test_a_verdict_with_findings_says_them_and_the_seed() -> None:
    findings = (Finding(Kind.LOST, "a", "version 3 is nowhere"), Finding(Kind.BACKWARDS, "b", "1 after 2"))
    one = verdict("kill", 77, findings)
    with pytest.raises(AssertionError) as caught:
        one.assert_clean()
    assert "FRESHET_FAULTS_SEED=77" in str(caught.value)
    assert "LOST a: version 3 is nowhere" in str(caught.value)
    assert (one.row()["lost"], one.row()["stale"], one.row()["other"]) == (1, 0, "1 backwards")
    verdict("kill").assert_clean()
