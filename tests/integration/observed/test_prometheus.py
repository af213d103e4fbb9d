"""A real Prometheus watches a real stack under load: all dashboards have data, and alerts fire for what is broken."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from freshet.stack.inference import InferenceServer
from freshet.stack.local import LocalStack
from freshet.stack.process import StackProcess, free_port, wait_until
from freshet.stack.prometheus import Prometheus, prometheus_binary
from freshet.stack.settings import StackSettings
from grafana.generator.alerts import ALERTS
from grafana.generator.promql import STEP
from grafana.generator.rules import write_rules
from grafana.generator.windows import Windows
from tests.faults.harness.tools import missing
from tests.integration.observed.load import Load
from tests.integration.pipeline import Pipeline

DASHBOARDS = Path(__file__).parents[3] / "grafana" / "dashboards"
SPEED = 30
"""Of the rules' windows: ten seconds are five minutes."""
ELSEWHERE = "freshet_cdc_"
"""Needs a database: tests/integration has it in a stack of its own."""
SECONDS = 60.0


class Watched:
    """The stack, an inference server that believes it has drifted, load, and the Prometheus that sees it all."""

    def __init__(self, stack: LocalStack, inference: InferenceServer) -> None:
        self.stack = stack
        self.inference = inference
        assert stack.observers is not None
        self.monitor = stack.observers.monitor
        self.prometheus: Prometheus = stack.observers.prometheus

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that are numbers."""
        answer = httpx.get(f"{self.prometheus.url}/api/v1/query", params={"query": expression}, timeout=10).json()
        assert answer["status"] == "success", (expression, answer)
        return [one for one in answer["data"]["result"] if math.isfinite(float(one["value"][1]))]

    def wait_firing(self, alert: str, **labels: str) -> None:
        where = "".join(f', {name}="{value}"' for name, value in labels.items())
        expression = f'ALERTS{{alertname="{alert}", alertstate="firing"{where}}}'
        wait_until(lambda: bool(self.query(expression)), f"{alert} fires", SECONDS, (self.prometheus,))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    if prometheus_binary() is None:
        missing("prometheus", "unpack Debian's with `make tools`")
    folder = tmp_path_factory.mktemp("watched")
    write_rules(folder / "rules", Windows(SPEED))
    notes = folder / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text("Green tea is steeped at eighty degrees.")
    stack = LocalStack(
        StackSettings(
            state=folder / "state",
            watch=notes,
            search_port=free_port(),
            canary=True,
            prometheus=True,
            scrape_seconds=1,
            rules=folder / "rules",
            environment=(("FRESHET_CANARY_EVERY_S", "0.5"),),
        )
    )
    # No model in int8 has a cosine of 1 to the references in full precision.
    inference = InferenceServer(folder / "inference.log", {"FRESHET_INFERENCE_PROBE_COSINE": "1"})
    load = Load(stack, inference.url, rate=40)
    try:
        stack.prepare(lambda step, share: None)
        inference.start()
        stack.start(lambda step, share: None)
        seen = Watched(stack, inference)
        assert stack.observers is not None
        stack.observers.scrape({**stack.metrics_addresses, "inference": f"127.0.0.1:{inference.port}"})
        wait_until(lambda: answers(inference), "the inference server answers", SECONDS, (inference,))
        seen.prometheus.wait_ready(SECONDS)
        load.start()
        yield seen
    finally:
        if load.started:
            load.stop()
        inference.stop()
        stack.abort()


def answers(server: InferenceServer) -> bool:
    try:
        return httpx.get(f"{server.url}/healthz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


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

    def answered() -> bool:
        queries[:] = [one for one in queries if not watched.query(one[2]) and ELSEWHERE not in one[2]]
        return not queries

    try:
        wait_until(answered, "every query has data", SECONDS, watched.stack.processes)
    finally:
        assert not queries


def test_every_rule_is_evaluated_and_every_alert_has_something_to_look_at(watched: Watched) -> None:
    def rules() -> list[dict[str, Any]]:
        groups = httpx.get(f"{watched.prometheus.url}/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    wait_until(lambda: all(rule["health"] != "unknown" for rule in rules()), "all rules were evaluated", SECONDS)
    assert not [rule for rule in rules() if rule["health"] != "ok"]
    silent = {alert.name: alert.shown(Windows(SPEED)) for alert in ALERTS}

    def all_but_capture() -> bool:
        for name in [name for name, shown in silent.items() if watched.query(shown)]:
            del silent[name]
        return list(silent) == ["CaptureStopped"]

    try:
        wait_until(all_but_capture, "every alert has something to look at", SECONDS, watched.stack.processes)
    finally:
        assert list(silent) == ["CaptureStopped"], "without a database there is no capture"


def test_every_process_tells_its_memory(watched: Watched) -> None:
    lives = {one["metric"]["process"] for one in watched.query("freshet_process_memory_bytes > 10e6")}
    assert lives == {process.name for process in watched.stack.processes}
    telling = {"serve", "job", "files", "canary", "monitor", "inference"}

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


@pytest.mark.parametrize("alert", ["DeadLettersRise", "ModelDrifted"])
def test_an_alert_fires_under_bad_records_and_a_drifted_model(watched: Watched, alert: str) -> None:
    watched.wait_firing(alert)


def test_alerts_fire_when_processes_die(watched: Watched) -> None:
    dead: list[StackProcess] = [watched.stack.serve, watched.stack.taskmanager]
    for process in dead:
        process.kill()
    watched.wait_firing("ProcessDown", component=watched.stack.serve.name)
    watched.wait_firing("ProcessDown", process=watched.stack.taskmanager.name)
    watched.wait_firing("NoCanary")
    watched.wait_firing("LagGrows", group="freshet-flink-job")
    watched.wait_firing("CheckpointsFail")
    watched.monitor.kill()
    watched.wait_firing("MonitorBlind")
