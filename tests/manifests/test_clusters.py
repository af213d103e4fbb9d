"""Kafka, Flink and Qdrant as they are run where there is more than one node: copies apart, state outside."""

from __future__ import annotations

from tests.manifests.overlays import Object, named, of_kind, overlay
from tests.manifests.workloads import workloads

ZONE = "topology.kubernetes.io/zone"


def test_kafka_runs_without_zookeeper_on_three_of_each_apart(whole: tuple[Object, ...]) -> None:
    pools = {one["metadata"]["name"]: one["spec"] for one in of_kind(whole, "KafkaNodePool")}
    assert {name: (pool["replicas"], pool["roles"]) for name, pool in pools.items()} == {
        "controllers": (3, ["controller"]),
        "brokers": (3, ["broker"]),
    }
    for name, pool in pools.items():
        (spread,) = pool["template"]["pod"]["topologySpreadConstraints"]
        assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == (ZONE, "DoNotSchedule")
        assert spread["labelSelector"]["matchLabels"] == {"strimzi.io/pool-name": name}
        assert pool["resources"]["requests"]["memory"] == pool["resources"]["limits"]["memory"]
        volumes = pool["storage"].get("volumes", [pool["storage"]])
        assert all(one["type"] == "persistent-claim" for one in volumes)
    kafka = named(whole, "Kafka", "vector-cluster")["spec"]["kafka"]
    assert kafka["rack"] == {"topologyKey": ZONE}
    assert kafka["authorization"] == {"type": "simple"}
    assert kafka["metricsConfig"]["type"] == "jmxPrometheusExporter"


def test_the_jobs_state_is_outside_of_its_pods(whole: tuple[Object, ...]) -> None:
    spec = named(whole, "FlinkDeployment", "vector-ingestion-job")["spec"]
    said = spec["flinkConfiguration"]
    places = [said[name] for name in said if name.endswith(("checkpointing.dir", "savepoint-dir", "storageDir"))]
    assert len(places) == 3
    assert all(place.startswith("s3://") for place in places)
    assert said["high-availability.type"] == "kubernetes"
    assert said["job.autoscaler.enabled"] == "true"
    assert said["kubernetes.operator.deployment.rollback.enabled"] == "true"
    assert spec["job"]["upgradeMode"] in ("savepoint", "last-state")
    assert spec["mode"] == "native"


def test_a_store_has_copies_on_peers_that_are_apart(whole: tuple[Object, ...]) -> None:
    peers = named(whole, "StatefulSet", "qdrant")
    assert peers["spec"]["replicas"] == 3
    (store,) = [one["data"] for one in of_kind(whole, "ConfigMap") if "FRESHET_STORE_URL" in one["data"]]
    assert store["FRESHET_STORE_REPLICAS"] == "2"
    said = {one["name"]: one.get("value") for one in peers["spec"]["template"]["spec"]["containers"][0]["env"]}
    for name in ("CLUSTER__ENABLED", "CLUSTER__P2P__ENABLE_TLS", "SERVICE__ENABLE_TLS"):
        assert said[f"QDRANT__{name}"] == "true"
    assert said["QDRANT__SERVICE__API_KEY"] is None  # of a secret


def test_a_snapshot_is_made_on_every_peer(objects: tuple[Object, ...]) -> None:
    peers = named(objects, "StatefulSet", "qdrant")["spec"]["replicas"]
    (pod,) = [one for one in workloads(objects) if one.name == "qdrant-snapshots"]
    command = pod.pod["containers"][0]["command"]
    asked = [command[place + 1] for place, word in enumerate(command) if word == "--peer"]
    assert asked == [f"https://qdrant-{number}.qdrant-peers.freshet.svc:6333" for number in range(peers)]


def test_kind_has_one_of_each() -> None:
    objects = overlay("kind")
    assert {one["spec"]["replicas"] for one in of_kind(objects, "KafkaNodePool", "StatefulSet", "Deployment")} == {1}
