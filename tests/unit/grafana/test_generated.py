"""What lies under grafana/ is what its generator writes, and names nothing that nobody counts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from freshet.foreign_metrics import FOREIGN
from freshet.metrics import METRICS
from grafana.generator.recorded import RECORDED
from grafana.generator.rules import rule_files

ROOT = Path(__file__).parents[3]
HERE = ROOT / "grafana"
KNOWN = (
    {metric.name for metric in METRICS}
    | {
        f"{metric.name}_{part}"
        for metric in METRICS
        if metric.kind == "histogram"
        for part in ("bucket", "sum", "count")
    }
    | {metric.name for metric in FOREIGN}
    | {rule.name for rule in RECORDED}
)
NAME = re.compile(
    r"\b(?:freshet[_:]|flink_(?:job|task)manager_|process_[a-z]+_|request_duration|embedding_f|vector_db)[\w:]+"
)


def expressions(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel.get("targets", [])]


@pytest.mark.parametrize("name", ["freshness", "pipeline", "models", "store", "kafka-flink"])
def test_a_dashboard_names_only_what_is_counted(name: str) -> None:
    dashboard = json.loads((HERE / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert panels
    for panel in panels:
        assert panel["description"], panel["title"]
        assert expressions(panel), panel["title"]
        for expression in expressions(panel):
            assert set(NAME.findall(expression)) <= KNOWN, expression


@pytest.mark.parametrize("path", sorted((HERE / "alerts").glob("*.yaml")), ids=lambda path: path.name)
def test_a_rule_names_only_what_is_counted(path: Path) -> None:
    assert set(NAME.findall(path.read_text(encoding="utf-8"))) <= KNOWN


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_a_page_names_only_what_is_counted(page: Path) -> None:
    named = NAME.findall(page.read_text(encoding="utf-8"))
    # Not every word with an underscore is a metric. A name may be cut short: ``freshet_inference_…``.
    long = [name for name in named if name.count("_") > 1]
    assert not [name for name in long if not any(known.startswith(name) for known in KNOWN)]


def test_every_metric_of_ours_is_shown_somewhere() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in (HERE / "dashboards").glob("*.json"))
    assert not [metric.name for metric in METRICS if metric.name not in shown]


def test_the_rules_are_what_the_generator_writes() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in (HERE / "alerts").iterdir()}
    assert written == rule_files(), "run make dashboards"


def test_all_is_what_the_generator_writes() -> None:
    pytest.importorskip("grafana_foundation_sdk", reason="Grafana's SDK needs Python 3.11")
    from grafana.generator.__main__ import generated

    wanted = generated()
    folders = [HERE / name for name in ("dashboards", "alerts", "provisioning")]
    written = {path: path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.*")}
    assert written == wanted, "run make dashboards"


@pytest.mark.parametrize("path", sorted((HERE / "dashboards").glob("*.json")), ids=lambda path: path.name)
def test_panels_have_numbers_of_their_own_and_fill_each_line(path: Path) -> None:
    panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    lines: dict[int, list[tuple[int, int]]] = {}
    for panel in panels:
        place = panel["gridPos"]
        lines.setdefault(place["y"], []).append((place["x"], place["w"]))
    for line in lines.values():
        assert [x for x, _ in line] == [sum(width for _, width in line[:number]) for number in range(len(line))]
        assert sum(width for _, width in line) <= 24
