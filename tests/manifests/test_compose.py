"""compose.yaml: valid, and at one with the Dockerfile, the code and the dashboards."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from freshet.stack import jars
from tests.faults.harness.tools import DOCKER_REQUIRED, missing
from tests.manifests.dockerfile import ROOT, TARGETS, lineage, stages
from tests.manifests.known_settings import wrong

FILE = ROOT / "compose.yaml"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """With the variables at their defaults, as compose would read it."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", FILE.read_text(encoding="utf-8"))
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


def test_it_fits_the_specification_of_compose() -> None:
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_docker_compose_reads_it() -> None:
    client = shutil.which("docker")
    if client is None or subprocess.run([client, "compose", "version"], capture_output=True).returncode != 0:
        # Not of those that `make tools` brings: it comes with Docker, or as its plugin.
        missing("docker with its compose plugin", "install it", DOCKER_REQUIRED)
    run = subprocess.run([client, "compose", "--file", str(FILE), "config", "--quiet"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_ports_are_open_on_the_loopback_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


def test_every_image_is_ours_or_pinned_by_digest(services: dict[str, Any]) -> None:
    for name, service in services.items():
        image = service["image"]
        if (target := service.get("build", {}).get("target")) is not None:
            assert target in TARGETS
            assert image == f"ghcr.io/freshet/{target}:{version('freshet')}", name
        else:
            assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}", image), name
        assert ":latest" not in image


def test_every_variable_is_a_setting_with_a_value_that_fits(services: dict[str, Any]) -> None:
    for name, service in services.items():
        environment = service.get("environment", {})
        # Without a value: passed on from the shell, where it has one.
        assert wrong({variable: "any" if value is None else value for variable, value in environment.items()}) == [], (
            name
        )


def test_without_an_api_key_in_the_shell_no_process_gets_an_empty_one(services: dict[str, Any]) -> None:
    told = {name: service.get("environment", {}) for name, service in services.items()}
    assert {name for name, variables in told.items() if "FRESHET_SEARCH_API_KEY" in variables} == {"search", "canary"}
    assert all(variables.get("FRESHET_SEARCH_API_KEY") is None for variables in told.values())


def test_what_a_service_waits_for_exists_and_can_be_seen(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            if how["condition"] == "service_healthy":
                assert "test" in services[other].get("healthcheck", {}) or _healthcheck_of_image(services[other]), other
            if how["condition"] == "service_completed_successfully":
                assert services[other]["restart"] != "unless-stopped", other


def test_every_address_names_a_service_and_a_port_it_listens_on(
    services: dict[str, Any], compose: dict[str, Any]
) -> None:
    listening = {
        "kafka": {19092, 29093},
        "qdrant": {6333, 6334},
        "jobmanager": {8081, 9249},
        "taskmanager": {9249, 9404},
        "prometheus": {9090},
        "monitor": {9404},
    }
    text = FILE.read_text(encoding="utf-8")
    addresses = set(re.findall(r"(?<![\w./-])([a-z]+):(\d{4,5})\b(?!:)", text))
    assert ("kafka", "19092") in addresses
    for host, port in addresses:
        service = services.get(host)
        if service is None or (host == "kafka" and port == "29093"):
            assert host in {*services}, f"{host}:{port}"
            continue
        exposed = listening.get(host) or {int(one) for one in _image_of(service).values("EXPOSE")}
        assert int(port) in exposed, f"{host}:{port}"


def test_every_mounted_path_exists_here(services: dict[str, Any], compose: dict[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_dir(), source
            else:
                assert source in compose["volumes"], source


def test_prometheus_asks_every_process_that_serves_metrics(compose: dict[str, Any], services: dict[str, Any]) -> None:
    configuration = yaml.safe_load(compose["configs"]["prometheus"]["content"])
    (scraped,) = configuration["scrape_configs"]
    assert scraped["job_name"] == "freshet"
    asked = {target.split(":")[0] for group in scraped["static_configs"] for target in group["targets"]}
    ours = {name for name, service in services.items() if "build" in service}
    assert asked == ours - {"topics"}


def test_what_an_alert_misses_where_it_is_not_there_is_there(compose: dict[str, Any]) -> None:
    served_by = {"freshet_canary_last_success_timestamp_seconds": "canary", "freshet_group_lag_records": "monitor"}
    rules = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "grafana/alerts").glob("*.yaml"))
    assert set(re.findall(r"absent\((\w+)\)", rules)) == served_by.keys()
    configuration = yaml.safe_load(compose["configs"]["prometheus"]["content"])
    components = {group["labels"]["component"] for group in configuration["scrape_configs"][0]["static_configs"]}
    assert set(served_by.values()) <= components


def test_grafana_finds_the_dashboards_where_they_are_mounted(services: dict[str, Any]) -> None:
    provider = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/freshet.yaml").read_text())["providers"][0]
    mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in services["grafana"]["volumes"]}
    assert mounted[provider["options"]["path"]] == "./grafana/dashboards"
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana/dashboards" / Path(home).name).exists()


def test_the_broker_is_of_the_version_of_the_local_stack(services: dict[str, Any]) -> None:
    broker = next(jar.version for jar in jars.pinned("kafka") if jar.artifact == "kafka_2.13")
    assert services["kafka"]["image"].startswith(f"apache/kafka:{broker}@")


def test_the_job_starts_by_what_the_image_has(services: dict[str, Any]) -> None:
    command = services["jobmanager"]["command"]
    environment = {key: value for stage in lineage("flink-job") for key, value in stage.environment().items()}
    assert environment["PYTHONPATH"].startswith("/opt/freshet/")
    assert command.count("/opt/freshet/bin/python") == 2
    assert command[command.index("-pym") + 1] == "flink_jobs.main"


def test_make_starts_and_stops_it() -> None:
    for goal in ("up-docker", "down-docker"):
        run = subprocess.run(["make", "--dry-run", goal], cwd=ROOT, capture_output=True, text=True)
        assert "docker compose" in run.stdout, run.stderr


@pytest.mark.parametrize(
    ("given", "watched"),
    [("~/my notes", "home/my notes"), ("{home}/my notes", "home/my notes"), ("~", "home"), ("docs", None)],
)
def test_make_watches_a_folder_of_any_name(tmp_path: Path, given: str, watched: str | None) -> None:
    home = tmp_path / "home"
    (home / "my notes").mkdir(parents=True)
    client = tmp_path / "bin" / "docker"
    client.parent.mkdir()
    client.write_text('#!/bin/sh\nprintf %s "$WATCH" > "$SEEN"\n')
    client.chmod(0o755)
    environment = {**os.environ, "HOME": str(home), "SEEN": str(tmp_path / "seen")}
    environment["PATH"] = f"{client.parent}:{environment['PATH']}"
    command = ["make", "up-docker", f"WATCH={given.format(home=home)}"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "seen").read_text() == str(tmp_path / watched if watched else ROOT / given)


def test_make_watches_no_folder_that_is_not_there(tmp_path: Path) -> None:
    """Docker would make one, owned by root."""
    run = subprocess.run(["make", "up-docker", f"WATCH={tmp_path}/none"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0
    assert "none" in run.stderr


def _image_of(service: dict[str, Any]) -> Any:
    return stages()[service["build"]["target"]]


def _healthcheck_of_image(service: dict[str, Any]) -> bool:
    return "build" in service and bool(_image_of(service).command("HEALTHCHECK"))
