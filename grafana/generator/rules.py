"""Rules and alerts as Prometheus' rule files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml.scalarstring import FoldedScalarString

from grafana.generator.alert import Alert
from grafana.generator.alerts import GROUPS
from grafana.generator.recorded import RECORDED, Recorded
from grafana.generator.windows import Windows
from grafana.generator.yaml_file import to_yaml

DOCS = "docs"
"""Of the repository that the rules come from."""


def rule_files(windows: Windows | None = None) -> dict[str, str]:
    """Contents by file name, for grafana/alerts/."""
    windows = windows or Windows()
    recording = [_recorded(rule, windows) for rule in RECORDED]
    files = {"recording.yaml": _yaml("freshet-recording", recording)}
    for name, alerts in GROUPS.items():
        files[f"{name}.yaml"] = _yaml(f"freshet-{name}", [_alert(alert, windows) for alert in alerts])
    return files


def write_rules(folder: Path, windows: Windows | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in rule_files(windows).items():
        (folder / name).write_text(text, encoding="utf-8")


def _recorded(rule: Recorded, windows: Windows) -> dict[str, Any]:
    labels = {"labels": dict(rule.labels)} if rule.labels else {}
    return {"record": rule.name, "expr": rule.expression(windows), **labels}


def _alert(alert: Alert, windows: Windows) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.condition(windows),
        "for": windows.held(alert.seconds),
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "impact": alert.impact,
            "runbook_url": f"{DOCS}/{alert.runbook}",
        },
    }


def _yaml(group: str, rules: list[dict[str, Any]]) -> str:
    for rule in rules:
        rule["expr"] = FoldedScalarString(rule["expr"])
    return to_yaml({"groups": [{"name": group, "rules": rules}]})
