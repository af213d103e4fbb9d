"""Every address that a process is told leads to a Service that there is, and through the policies to its pods."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

import pytest

from tests.manifests.network import OWN, Network
from tests.manifests.overlays import Object, named, of_kind
from tests.manifests.workloads import Workload, workloads

_ADDRESS = re.compile(r"(?:(https?)://)?([a-z][\w.-]*?)(?::(\d+))?(?=[/\"\],]|$)")
_FLINK_REST = 8081
_CONNECT_REST = 8083
Target = tuple[str, int]
"""A pod's name and the port on which it is reached."""


def addresses(pod: Workload, objects: tuple[Object, ...]) -> Iterator[tuple[str, int]]:
    """(host, port) of every one in its settings and its command."""
    said = [value for name, value in pod.environment(objects).items() if value and name.startswith("FRESHET_")]
    said += [one.replace("$HOSTNAME", f"{pod.name}-0") for one in pod.pod["containers"][0].get("command", [])]
    for value in said:
        for part in re.findall(r"https?://[^\"\s]+|(?<![\w./-])[a-z][\w.-]*:\d+", value):
            found = _ADDRESS.match(part)
            assert found is not None, part
            scheme, host, port = found.groups()
            yield host, int(port) if port else {"http": 80, "https": 443}[scheme]


def served(objects: tuple[Object, ...]) -> dict[tuple[str, int], set[Target]]:
    """By (Service, port) what stands behind it: ours, and those that operators make."""
    found: dict[tuple[str, int], set[Target]] = {}
    for service in of_kind(objects, "Service"):
        for port in service["spec"]["ports"]:
            found[service["metadata"]["name"], port["port"]] = {
                (pod.name, one["containerPort"])
                for pod in workloads(objects)
                if service["spec"]["selector"].items() <= pod.labels.items()
                for container in pod.containers
                for one in container.get("ports", [])
                if one["name"] == port["targetPort"]
            }
    kafka = named(objects, "Kafka", "vector-cluster")
    for listener in kafka["spec"]["kafka"]["listeners"]:
        found[f"{kafka['metadata']['name']}-kafka-bootstrap", listener["port"]] = {("kafka", listener["port"])}
    for one in of_kind(objects, "FlinkDeployment"):
        name = one["metadata"]["name"]
        found[f"{name}-rest", _FLINK_REST] = {(name, _FLINK_REST)}
    for one in of_kind(objects, "KafkaConnect"):
        found[f"{one['metadata']['name']}-connect-api", _CONNECT_REST] = {("connect", _CONNECT_REST)}
    return found


def service_of(host: str) -> str:
    """Of `service`, `service.freshet.svc`, `pod.service.freshet.svc`."""
    parts = host.split(".")
    if len(parts) == 1:
        return host
    assert f".{OWN}.svc" in host, host
    return parts[parts.index(OWN) - 1]


def reach(objects: tuple[Object, ...]) -> int:
    """How many addresses lead somewhere; fails at one that does not."""
    services, edges = served(objects), Network(objects).edges()
    count = 0
    for pod in workloads(objects):
        for host, port in addresses(pod, objects):
            targets = services.get((service_of(host), port))
            assert targets, f"{pod.name}: nothing serves {host}:{port}"
            for target, inner in targets:
                assert (pod.name, target, inner) in edges, f"{pod.name} may not reach {target}:{inner}"
                count += 1
    return count


def test_every_address_leads_somewhere(objects: tuple[Object, ...]) -> None:
    assert reach(objects) >= 15


def test_an_address_that_leads_nowhere_is_seen(whole: tuple[Object, ...]) -> None:
    """The check is checked: a wrong name, a wrong port, an arrow that no policy allows."""
    for wrong in ("http://consumer:9404/metrics", "http://consumers:9405/metrics", "http://canary:9404/metrics"):
        spoiled = copy.deepcopy(whole)
        container = named(spoiled, "Deployment", "search")["spec"]["template"]["spec"]["containers"][0]
        (setting,) = [one for one in container["env"] if one["name"] == "FRESHET_SEARCH_CONSUMERS"]
        setting["value"] = f'["{wrong}"]'
        with pytest.raises(AssertionError):
            reach(spoiled)
    spoiled = tuple(one for one in copy.deepcopy(whole) if one["metadata"]["name"] != "consumers")
    with pytest.raises(AssertionError):
        reach(spoiled)
