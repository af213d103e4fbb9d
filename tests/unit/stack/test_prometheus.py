"""Which Prometheus is started, what it is told to ask, and what is said where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from freshet.errors import UsageError
from freshet.stack import prometheus
from freshet.stack.observers import MetricsPorts, Observers
from freshet.stack.prometheus import BINARY_VARIABLE, Prometheus, prometheus_binary


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(BINARY_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(prometheus, "TOOLS", tmp_path)


@pytest.mark.usefixtures("nowhere")
def test_without_a_prometheus_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no Prometheus to start") as raised:
        Observers(tmp_path, lambda name: tmp_path / name, {}, 5)
    assert "make .tools/bin/prometheus" in str(raised.value)


def test_a_program_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(BINARY_VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(UsageError, match=f"{BINARY_VARIABLE} names no program"):
        prometheus_binary()


@pytest.mark.usefixtures("nowhere")
def test_what_make_tools_unpacked_is_found(tmp_path: Path) -> None:
    (tmp_path / "prometheus").touch()
    assert prometheus_binary() == tmp_path / "prometheus"
    assert prometheus_binary("promtool") is None


def test_its_targets_change_without_a_restart(tmp_path: Path) -> None:
    server = Prometheus(tmp_path / "prometheus", tmp_path / "data", tmp_path / "log", tmp_path / "rules", 1)
    server.prepare()
    targets = tmp_path / "data" / "targets.json"
    assert json.loads(targets.read_text()) == []
    server.scrape({"serve": "127.0.0.1:7700"})
    assert json.loads(targets.read_text()) == [{"targets": ["127.0.0.1:7700"], "labels": {"component": "serve"}}]
    server.prepare()
    assert json.loads(targets.read_text()), "a restart forgets nobody"
    configuration = json.loads((tmp_path / "data" / "prometheus.yml").read_text())
    assert configuration["rule_files"] == [f"{tmp_path}/rules/*.yaml"]
    assert configuration["scrape_configs"][0]["file_sd_configs"][0]["files"] == [str(targets)]


def test_each_process_has_a_port_of_its_own() -> None:
    ports = MetricsPorts()
    told = [*ports.environment().values(), *ports.host_environment().values()]
    assert len(told) == len(set(told))
