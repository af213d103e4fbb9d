"""Which pod may open a connection to which, computed from the NetworkPolicies as Kubernetes reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.manifests.overlays import Object, of_kind
from tests.manifests.workloads import workloads

OWN = "freshet"
Edge = tuple[str, str, int]
"""From, to, port."""


@dataclass(frozen=True)
class Pod:
    """``ports`` are those on which it listens."""

    name: str
    labels: dict[str, str]
    ports: tuple[int, ...] = ()
    namespace: str = OWN


KAFKA = "vector-cluster"
STRIMZI = (
    Pod("kafka", {"strimzi.io/name": f"{KAFKA}-kafka"}, (9090, 9091, 9093, 9404)),
    Pod("entity-operator", {"strimzi.io/name": f"{KAFKA}-entity-operator"}),
    Pod("kafka-exporter", {"strimzi.io/name": f"{KAFKA}-kafka-exporter"}, (9404,)),
    Pod("connect", {"strimzi.io/name": "freshet-connect", "freshet.dev/kafka-client": "true"}, (8083, 9404)),
)
"""Pods that Strimzi makes, with the labels that it gives them."""
OTHERS = (
    Pod("prometheus", {"app.kubernetes.io/name": "prometheus"}, (9090,), "monitoring"),
    Pod("keda", {"app": "keda-operator"}, (), "keda"),
    Pod("flink-operator", {"app.kubernetes.io/name": "flink-kubernetes-operator"}, (), "flink-operator"),
    Pod("ingress", {"app.kubernetes.io/name": "ingress-nginx"}, (), "ingress-nginx"),
    Pod("dns", {"k8s-app": "kube-dns"}, (53,), "kube-system"),
    Pod("anybody", {}, (), "elsewhere"),
)
"""Outside of the namespace; ``anybody`` is who has no business here."""
OUTSIDE = Pod("outside", {}, (443, 5432, 6443, 80, 22), "")
"""An address that is no pod."""
_FLINK_PORTS = (6121, 6122, 6123, 6124, 6125, 8081)


@dataclass
class Network:
    objects: tuple[Object, ...]
    pods: list[Pod] = field(default_factory=list)

    def __post_init__(self) -> None:
        for one in workloads(self.objects):
            ports = [port["containerPort"] for container in one.containers for port in container.get("ports", [])]
            flink = _FLINK_PORTS if one.kind == "FlinkDeployment" else ()
            self.pods.append(Pod(one.name, one.labels, (*ports, *flink)))
        kinds = {one["kind"] for one in self.objects}
        (kafka,) = of_kind(self.objects, "Kafka")
        for pod in STRIMZI:
            absent = {"connect": "KafkaConnect" not in kinds, "kafka-exporter": "kafkaExporter" not in kafka["spec"]}
            if not absent.get(pod.name, False):
                self.pods.append(pod)
        self._policies = [one["spec"] for one in of_kind(self.objects, "NetworkPolicy")]
        self._policies += _by_strimzi(kafka)

    def edges(self) -> set[Edge]:
        """Every connection that may be opened from or to a pod of ours, names being looked up left out."""
        found = set()
        for source in (*self.pods, *OTHERS):
            for target in (*self.pods, *OTHERS, OUTSIDE):
                if OWN not in (source.namespace, target.namespace) or target.name == "dns":
                    continue
                for port in target.ports:
                    if self._out(source, target, port) and self._in(source, target, port):
                        found.add((source.name, target.name, port))
        return found

    def without_names(self) -> list[str]:
        """Pods that cannot look names up."""
        dns = next(one for one in OTHERS if one.name == "dns")
        return [pod.name for pod in self.pods if not self._out(pod, dns, 53)]

    def _out(self, source: Pod, target: Pod, port: int) -> bool:
        return source.namespace != OWN or self._allowed("Egress", source, target, port)

    def _in(self, source: Pod, target: Pod, port: int) -> bool:
        return target.namespace != OWN or self._allowed("Ingress", target, source, port)

    def _allowed(self, direction: str, judged: Pod, peer: Pod, port: int) -> bool:
        applying = [
            one
            for one in self._policies
            if direction in one["policyTypes"] and _matches(one["podSelector"], judged.labels)
        ]
        # What no policy selects is open.
        return not applying or any(
            _peer(rule.get("from" if direction == "Ingress" else "to"), peer) and _port(rule.get("ports"), port)
            for one in applying
            for rule in one.get(direction.lower(), [])
        )


def _peer(peers: Sequence[dict[str, Any]] | None, pod: Pod) -> bool:
    if peers is None:
        return True
    return any(_one_peer(peer, pod) for peer in peers)


def _one_peer(peer: dict[str, Any], pod: Pod) -> bool:
    if "ipBlock" in peer:
        return pod is OUTSIDE  # a pod is named by its labels here, never by its address
    if pod is OUTSIDE:
        return False
    if "namespaceSelector" in peer:
        if not _matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": pod.namespace}):
            return False
    elif pod.namespace != OWN:
        return False
    return _matches(peer.get("podSelector", {}), pod.labels)


def _port(ports: Sequence[dict[str, Any]] | None, port: int) -> bool:
    return ports is None or any(one["port"] <= port <= one.get("endPort", one["port"]) for one in ports)


def _matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, selector
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def _by_strimzi(kafka: Object) -> Iterator[dict[str, Any]]:
    """What Strimzi makes for the brokers: listeners by their peers, its own ports, and metrics for all."""

    def own(name: str) -> dict[str, Any]:
        return {"podSelector": {"matchLabels": {"strimzi.io/name": f"{KAFKA}-{name}"}}}

    (listener,) = kafka["spec"]["kafka"]["listeners"]
    yield {
        "podSelector": own("kafka")["podSelector"],
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [own("kafka")], "ports": [{"port": 9090}]},
            {"from": [own(name) for name in ("kafka", "entity-operator", "kafka-exporter")], "ports": [{"port": 9091}]},
            {"from": listener["networkPolicyPeers"], "ports": [{"port": listener["port"]}]},
            {"ports": [{"port": 9404}]},
        ],
    }
