"""Each alert fires when it should and stays quiet otherwise, as promtool sees it; and each has its runbook."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from freshet.stack.prometheus import RULES, prometheus_binary
from grafana.generator.alert import Alert
from grafana.generator.alerts import ALERTS
from grafana.generator.rules import DOCS
from tests.faults.harness.tools import missing
from tests.unit.grafana.alert_cases import CASES, Case, Series

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
BY_NAME = {alert.name: alert for alert in ALERTS}
IDS = [f"{case.alert}-{number}" for number, case in enumerate(CASES)]


@pytest.fixture(scope="module")
def promtool() -> Path:
    binary = prometheus_binary("promtool")
    if binary is None:
        missing("promtool", "unpack Debian's Prometheus with `make tools`")
    return binary


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_an_alert_fires_once_for_what_is_wrong(case: Case, promtool: Path, tmp_path: Path) -> None:
    check(promtool, tmp_path, case, case.wrong, [expected(case)])


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_an_alert_is_quiet_while_all_is_well(case: Case, promtool: Path, tmp_path: Path) -> None:
    check(promtool, tmp_path, case, case.well, [])


def test_every_rule_is_one_that_prometheus_takes(promtool: Path) -> None:
    run = subprocess.run(
        [str(promtool), "check", "rules", *map(str, RULES.glob("*.yaml"))], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_alert_has_a_case() -> None:
    assert {case.alert for case in CASES} == set(BY_NAME)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_says_what_to_do(alert: Alert) -> None:
    text = (RUNBOOKS.parent / alert.runbook).read_text(encoding="utf-8")
    assert text.startswith(f"# {alert.name}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["What it means", "How to look", "What to do"]


def test_no_runbook_is_left_over() -> None:
    wanted = {Path(alert.runbook).name for alert in ALERTS}
    assert {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"} == wanted


def check(promtool: Path, folder: Path, case: Case, series: Series, alerts: list[dict[str, Any]]) -> None:
    test = {
        "rule_files": [str(path) for path in sorted(RULES.glob("*.yaml"))],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {"eval_time": f"{case.at}m", "alertname": case.alert, "exp_alerts": alerts},
                ],
            }
        ],
    }
    path = folder / "test.yaml"
    path.write_text(json.dumps(test))
    run = subprocess.run([str(promtool), "test", "rules", str(path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def expected(case: Case) -> dict[str, Any]:
    alert = BY_NAME[case.alert]
    filled = {"{{ $value }}": case.value} | {
        f"{{{{ $labels.{name} }}}}": case.labels.get(name, "") for name in ("group", "component", "process", "capture")
    }
    summary = alert.summary
    for template, text in filled.items():
        summary = summary.replace(template, text)
    return {
        "exp_labels": {"severity": alert.severity, **case.labels},
        "exp_annotations": {
            "summary": summary,
            "impact": alert.impact,
            "runbook_url": f"{DOCS}/{alert.runbook}",
        },
    }
