"""Only what is drawn passes: the graph of the NetworkPolicies is compared with the flow."""

from __future__ import annotations

from tests.manifests.network import Edge, Network
from tests.manifests.overlays import Object, overlay

FLOW = """
producer-files    -> kafka 9093
canary            -> kafka 9093
canary            -> search 7700
vector-ingestion-job -> kafka 9093
consumers         -> kafka 9093
consumers         -> qdrant 6333 6334
search            -> kafka 9093
search            -> qdrant 6333 6334
search            -> consumers 9404
search            -> vector-ingestion-job 8081
monitor           -> kafka 9093
operator          -> kafka 9093
operator          -> qdrant 6333 6334
qdrant-collection -> qdrant 6333 6334
qdrant-snapshots  -> qdrant 6333 6334
ingress           -> search 7700
"""
"""The arrows of README.md, and who looks after them."""
CLUSTERS = """
vector-ingestion-job -> vector-ingestion-job 6121 6122 6123 6124 6125
vector-ingestion-job -> outside 443 6443
flink-operator    -> vector-ingestion-job 8081
qdrant            -> qdrant 6335
kafka             -> kafka 9090 9091
kafka             -> outside 443 6443
entity-operator   -> kafka 9091
entity-operator   -> outside 443 6443
"""
"""Within a cluster, to its operator, to the API of Kubernetes and to the object storage."""
METRICS = """
prometheus        -> producer-files 9404
prometheus        -> canary 9404
prometheus        -> vector-ingestion-job 9249 9404
prometheus        -> consumers 9404
prometheus        -> search 7700
prometheus        -> monitor 9404
prometheus        -> qdrant 6333
prometheus        -> kafka 9404
anybody           -> kafka 9404
keda              -> kafka 9093 9404
flink-operator    -> kafka 9404
ingress           -> kafka 9404
"""
"""Strimzi opens the brokers' metrics to all."""
SERVED_MODEL = """
vector-ingestion-job -> inference 7710
prometheus        -> inference 7710
"""
CAPTURE = """
producer-cdc      -> kafka 9093
producer-cdc      -> connect 8083
producer-cdc      -> search 7700
producer-cdc      -> outside 5432
connect           -> kafka 9093
connect           -> connect 8083
connect           -> outside 443 5432 6443
prometheus        -> producer-cdc 9404
prometheus        -> connect 9404
"""
EXPORTER = """
kafka-exporter    -> kafka 9091
prometheus        -> kafka-exporter 9404
"""


def drawn(*parts: str) -> set[Edge]:
    found = set()
    for line in "".join(parts).strip().splitlines():
        if line:
            source, _, target, *ports = line.split()
            found |= {(source, target, int(port)) for port in ports}
    return found


def expected(objects: tuple[Object, ...]) -> set[Edge]:
    present = {one["metadata"]["name"] for one in objects} | {one["kind"] for one in objects}
    parts = [FLOW, CLUSTERS, METRICS]
    parts += [SERVED_MODEL] if "inference" in present else []
    parts += [CAPTURE] if "KafkaConnect" in present else []
    kafka = next(one for one in objects if one["kind"] == "Kafka")
    parts += [EXPORTER] if "kafkaExporter" in kafka["spec"] else []
    return drawn(*parts)


def inside(edges: set[Edge]) -> set[Edge]:
    """Without those that Strimzi opens within the namespace too: its policy is not ours to narrow."""
    return {edge for edge in edges if not (edge[1] == "kafka" and edge[2] == 9404 and _ours(edge[0]))}


def _ours(name: str) -> bool:
    return name not in {"prometheus", "keda", "flink-operator", "ingress", "anybody"}


def test_only_the_drawn_arrows_pass(objects: tuple[Object, ...]) -> None:
    assert inside(Network(objects).edges()) == expected(objects)


def test_every_pod_can_look_names_up(objects: tuple[Object, ...]) -> None:
    assert Network(objects).without_names() == []


def test_a_policy_that_is_left_out_or_widened_is_seen() -> None:
    """The check is checked."""
    objects = overlay("production")
    fewer = tuple(one for one in objects if (one["kind"], one["metadata"]["name"]) != ("NetworkPolicy", "consumers"))
    assert ("consumers", "kafka", 9093) not in Network(fewer).edges()
    open_to_all = tuple(one for one in objects if one["metadata"]["name"] != "default-deny")
    assert Network(open_to_all).edges() == Network(objects).edges()  # each pod has a policy of its own
    none = tuple(one for one in objects if one["kind"] != "NetworkPolicy")
    assert ("anybody", "search", 7700) in Network(none).edges()
