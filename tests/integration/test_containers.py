"""compose.yaml on a Docker engine: what is published is found, what is deleted is gone. Skipped where there is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer
from testcontainers.compose import DockerCompose

from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from freshet.stack.process import free_port
from freshet.topics import DOCUMENTS
from tests.faults.harness.tools import DOCKER_REQUIRED, missing

ROOT = Path(__file__).parents[2]
PORTS = ("KAFKA", "SEARCH", "FLINK", "QDRANT", "INFERENCE", "PROMETHEUS", "GRAFANA")
STARTS_SECONDS = 300
FOUND_SECONDS = 60
TEXT = "the ferry to the island leaves at noon"


class Containers:
    """The system as compose.yaml starts it, on free ports and volumes of its own."""

    def __init__(self, compose: DockerCompose, ports: dict[str, int]) -> None:
        self.compose = compose
        self.bootstrap = f"127.0.0.1:{ports['KAFKA']}"
        self.search = f"http://127.0.0.1:{ports['SEARCH']}"
        self.prometheus = f"http://127.0.0.1:{ports['PROMETHEUS']}"
        self.grafana = f"http://127.0.0.1:{ports['GRAFANA']}"

    def until(self, met: Callable[[], bool], condition: str, seconds: float) -> None:
        """Fails with the containers' logs when it is not met in time, or when one has ended in error."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if met():
                    return
            except httpx.TransportError:
                pass
            ended = [one for one in self.compose.get_containers(include_all=True) if one.ExitCode]
            if ended:
                self._fail(f"{[one.Service for one in ended]} ended before {condition}")
            time.sleep(0.5)
        self._fail(f"waited {seconds:.0f} s in vain until {condition}")

    def finds(self, document: str) -> bool:
        answer = httpx.get(f"{self.search}/search", params={"q": TEXT, "k": 100}, timeout=10)
        return answer.is_success and any(hit["id"] == document for hit in answer.json()["results"])

    def knows(self, document: str) -> bool:
        return httpx.get(f"{self.search}/documents/{document}", timeout=10).is_success

    def _fail(self, why: str) -> None:
        logs = "\n".join(self.compose.get_logs())
        pytest.fail(f"{why}\n{logs[-20_000:]}")


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    client = shutil.which("docker")
    if client is None or subprocess.run([client, "info"], capture_output=True).returncode != 0:
        missing("a Docker engine", "start one", DOCKER_REQUIRED)
    if subprocess.run([client, "compose", "version"], capture_output=True).returncode != 0:
        missing("docker's compose plugin", "install it", DOCKER_REQUIRED)
    ports = {name: free_port() for name in PORTS}
    with pytest.MonkeyPatch.context() as patch:
        for name, port in ports.items():
            patch.setenv(f"FRESHET_{name}_PORT", str(port))
        patch.setenv("COMPOSE_PROJECT_NAME", f"freshet-test-{ports['SEARCH']}")
        # Not its `wait`, for which a service that does its work and ends counts as failed.
        with DockerCompose(ROOT, build=True, wait=False) as compose:
            yield Containers(compose, ports)


@pytest.mark.timeout(1800)
def test_a_published_change_is_found_and_a_deleted_one_is_gone(containers: Containers) -> None:
    containers.until(
        lambda: httpx.get(f"{containers.search}/readyz", timeout=5).is_success, "search is ready", STARTS_SECONDS
    )
    publisher = Publisher(KafkaSettings(bootstrap=containers.bootstrap), "durable")
    try:
        publisher.publish("ferry", TEXT, version=1).result(FOUND_SECONDS)
        # The first one waits for the job to start.
        containers.until(lambda: containers.finds("ferry"), "the document is found", STARTS_SECONDS)
        publisher.delete("ferry", version=2).result(FOUND_SECONDS)
        containers.until(lambda: not containers.finds("ferry"), "the deleted document is gone", FOUND_SECONDS)
    finally:
        publisher.close()


@pytest.mark.timeout(600)
def test_a_record_that_is_none_is_refused_beside_its_neighbours(containers: Containers) -> None:
    producer = Producer({"bootstrap.servers": containers.bootstrap})
    producer.produce(DOCUMENTS.name, b"{", b"torn")
    producer.flush(FOUND_SECONDS)
    with Publisher(KafkaSettings(bootstrap=containers.bootstrap), "durable") as publisher:
        publisher.publish("neighbour", TEXT, version=1).result(FOUND_SECONDS)

    def refused() -> bool:
        answer = httpx.get(f"{containers.search}/dead-letters", timeout=10).json()
        return any((one["key"], one["reason"]) == ("torn", "not-json") for one in answer["letters"])

    containers.until(lambda: containers.finds("neighbour"), "its neighbour is found", STARTS_SECONDS)
    containers.until(refused, "it is among the dead letters", FOUND_SECONDS)


@pytest.mark.timeout(600)
def test_a_consumer_that_was_killed_goes_on_where_it_was(containers: Containers) -> None:
    names = [f"crossing-{number}" for number in range(50)]
    with Publisher(KafkaSettings(bootstrap=containers.bootstrap), "durable") as publisher:
        for name in names[:25]:
            publisher.publish(name, TEXT, version=1).result(FOUND_SECONDS)
        restart = ["docker", "compose", "restart", "--timeout", "0", "consumer"]
        subprocess.run(restart, cwd=ROOT, check=True, capture_output=True, timeout=120)
        for name in names[25:]:
            publisher.publish(name, TEXT, version=1).result(FOUND_SECONDS)
    containers.until(lambda: all(map(containers.knows, names)), "each document is there", STARTS_SECONDS)


@pytest.mark.timeout(300)
def test_grafana_has_every_dashboard(containers: Containers) -> None:
    files = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
    wanted = {json.loads(path.read_text("utf-8"))["title"] for path in files}

    def provisioned() -> bool:
        found = httpx.get(f"{containers.grafana}/api/search", params={"type": "dash-db"}, timeout=5).json()
        return wanted <= {one["title"] for one in found}

    containers.until(provisioned, "every dashboard is provisioned", FOUND_SECONDS)


@pytest.mark.timeout(300)
def test_prometheus_sees_every_process(containers: Containers) -> None:
    def all_up() -> bool:
        answer = httpx.get(f"{containers.prometheus}/api/v1/targets", params={"state": "active"}, timeout=5).json()
        return all(target["health"] == "up" for target in answer["data"]["activeTargets"])

    containers.until(all_up, "every target answers", FOUND_SECONDS)
