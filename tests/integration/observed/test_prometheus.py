"""A real Prometheus watches a real stack under load: all dashboards have data, and nothing unnamed or unbounded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from freshet.foreign_metrics import FOREIGN
from freshet.metrics import METRICS
from freshet.stack.process import wait_until
from grafana.generator.alerts import ALERTS
from grafana.generator.promql import STEP
from grafana.generator.recorded import RECORDED
from tests.integration.observed.load import DOCUMENT, TENANT
from tests.integration.observed.watched import SECONDS, WINDOWS, Watched, wait_none_left
from tests.integration.pipeline import Pipeline

DASHBOARDS = Path(__file__).parents[3] / "grafana" / "dashboards"
MOST_VALUES = 40
"""Of one label of one metric: reasons of dead letters are the most."""


def panels() -> list[tuple[str, str, str]]:
    """Dashboard, title and expression of each query of each panel."""
    found: list[tuple[str, str, str]] = []
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            found += [(path.stem, panel["title"], target["expr"]) for target in panel.get("targets", [])]
    return found


def test_every_query_of_every_dashboard_has_data(watched: Watched) -> None:
    queries = [(place, title, expression.replace(STEP, "10s")) for place, title, expression in panels()]
    assert len(queries) > 80
    wait_none_left(
        queries,
        lambda left: [one for one in left if not watched.query(one[2])],
        "every query has data",
        watched.stack.processes,
    )


def test_every_rule_is_evaluated_and_every_alert_has_something_to_look_at(watched: Watched) -> None:
    def health() -> set[str]:
        return {rule["health"] for group in watched.get("rules")["groups"] for rule in group["rules"]}

    wait_until(lambda: "unknown" not in health(), "all rules were evaluated", SECONDS)
    assert health() == {"ok"}
    wait_none_left(
        ((alert.name, alert.shown(WINDOWS)) for alert in ALERTS),
        lambda left: [one for one in left if not watched.query(one[1])],
        "every alert has something to look at",
        watched.stack.processes,
    )


def test_what_processes_tell_is_in_the_list_with_its_labels(watched: Watched) -> None:
    listed = {metric.name: set(metric.labels) for metric in METRICS}
    for metric in METRICS:
        if metric.kind == "histogram":
            labels = listed.pop(metric.name)
            listed |= {f"{metric.name}_{part}": labels for part in ("sum", "count")}
            listed[f"{metric.name}_bucket"] = {*labels, "le"}
    found = watched.get("series", **{"match[]": '{__name__=~"freshet_.+"}'})
    told = {(one["__name__"], frozenset(one) - {"__name__", "job", "instance", "component"}) for one in found}
    assert {name for name, _ in told} == listed.keys(), "all of the list is told, and nothing else"
    assert not [(name, sorted(labels)) for name, labels in told if labels != listed[name]]


def test_the_names_that_rules_record_and_others_count_are_there(watched: Watched) -> None:
    names = set(watched.get("label/__name__/values"))
    assert {rule.name for rule in RECORDED} | {metric.name for metric in FOREIGN} <= names


def test_no_label_holds_a_document_a_tenant_or_what_has_no_end(watched: Watched) -> None:
    values: dict[tuple[str, str], set[str]] = {}
    for series in watched.get("series", **{"match[]": '{job="freshet"}'}):
        for label, value in series.items():
            assert not value.startswith((f"{DOCUMENT}/", TENANT)), series
            values.setdefault((series["__name__"], label), set()).add(value)
    many = {place: len(found) for place, found in values.items() if len(found) > MOST_VALUES}
    assert not {place: count for place, count in many.items() if place[0].startswith("freshet_")}


def test_every_process_tells_its_memory(watched: Watched) -> None:
    lives = {one["metric"]["process"] for one in watched.query("freshet_process_memory_bytes > 1e6")}
    assert lives == {process.name for process in watched.stack.processes}
    telling = {"serve", "job", "files", "canary", "cdc", "monitor", "inference", "audit"}

    def all_tell() -> bool:
        found = watched.query("process_resident_memory_bytes > 10e6")
        return telling <= {one["metric"]["component"] for one in found}

    # A scrape that came too late on a busy machine leaves a gap of a second.
    wait_until(all_tell, f"{telling} tell their memory", SECONDS, watched.stack.processes)
    job = watched.query('process_resident_memory_bytes{component="job"}')[0]
    taskmanager = watched.query('freshet_process_memory_bytes{process="taskmanager"}')[0]
    assert float(job["value"][1]) == pytest.approx(float(taskmanager["value"][1]), rel=0.2), "Python runs in the JVM"


def test_a_prometheus_that_dies_disturbs_nothing_and_knows_what_it_knew(watched: Watched, tmp_path: Path) -> None:
    watched.prometheus.kill()
    with Pipeline(watched.stack, prefix=tmp_path.name) as pipeline:
        pipeline.publish("unwatched", "Nobody counts this.", version=1)
        others = [process for process in watched.stack.processes if process is not watched.prometheus]
        assert pipeline.wait_version("unwatched", 1, watch=others)["version"] == 1
    watched.prometheus.start()
    watched.prometheus.wait_ready(SECONDS)
    assert watched.query("count_over_time(freshet_consumer_batch_limit[10m]) > 5")
