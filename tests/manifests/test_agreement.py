"""The manifests say what the code says: topics, users, settings, metrics, versions, and what is generated."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest
import yaml

from freshet import metrics
from freshet.settings import KafkaSettings
from freshet.stack import jars
from freshet.store import StoreSettings
from freshet.topics import CONSUMER_GROUP, DOCUMENTS, EMBEDDINGS, MAX_RECORD_BYTES, TOPICS
from tests.manifests.known_settings import wrong
from tests.manifests.overlays import OVERLAYS, ROOT, ROUTES, Object, named, of_kind, overlay
from tests.manifests.workloads import workloads


@pytest.mark.parametrize("name", OVERLAYS)
def test_topics_are_those_of_the_code(name: str) -> None:
    objects = overlay(name)
    single = name == "kind"
    found = {
        one["metadata"]["name"]: (one["spec"]["partitions"], one["spec"]["replicas"], one["spec"]["config"])
        for one in of_kind(objects, "KafkaTopic")
    }
    assert found == {
        topic.name: (
            topic.partitions,
            1 if single else 3,
            {
                "cleanup.policy": "delete",
                "retention.ms": topic.retention_ms,
                "min.insync.replicas": 1 if single else 2,
                **{key: int(value) for key, value in topic.config.items()},
            },
        )
        for topic in TOPICS
    }


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_holds_patches_and_nothing_of_the_base_again(name: str) -> None:
    folder = ROOT / "k8s" / "overlays" / name
    overlaid = yaml.safe_load((folder / "kustomization.yaml").read_text())
    # One node without object storage: a volume takes its place.
    own = ["flink-state.yaml"] if name == "kind" else []
    assert overlaid["resources"] == ["../../base", *own]
    assert len([one for one in overlaid["components"] if one.rsplit("/", 1)[1] in ROUTES]) == 1


@pytest.mark.parametrize("name", OVERLAYS)
def test_brokers_take_what_the_code_sends(name: str) -> None:
    config = named(overlay(name), "Kafka", "vector-cluster")["spec"]["kafka"]["config"]
    assert config["message.max.bytes"] == MAX_RECORD_BYTES
    assert config["auto.create.topics.enable"] == "false"


def test_kafka_is_of_the_version_that_the_tests_run(every_object: tuple[Object, ...]) -> None:
    tested = next(jar.version for jar in jars.pinned("kafka") if jar.artifact == "kafka_2.13")
    for cluster in of_kind(every_object, "Kafka"):
        kafka = cluster["spec"]["kafka"]
        assert kafka["version"] == tested
        assert kafka["metadataVersion"].split("-")[0] == ".".join(tested.split(".")[:2])
    assert {one["spec"]["version"] for one in of_kind(every_object, "KafkaConnect")} == {tested}


@pytest.mark.parametrize("name", OVERLAYS)
def test_there_are_enough_brokers_for_the_copies(name: str) -> None:
    objects = overlay(name)
    pools = {one["metadata"]["name"]: one["spec"]["replicas"] for one in of_kind(objects, "KafkaNodePool")}
    config = named(objects, "Kafka", "vector-cluster")["spec"]["kafka"]["config"]
    copies = [int(value) for key, value in config.items() if key.endswith("replication.factor")]
    assert max(copies) <= pools["brokers"]
    assert int(config["min.insync.replicas"]) == max(1, pools["brokers"] - 1)
    peers = named(objects, "StatefulSet", "qdrant")["spec"]["replicas"]
    (store,) = [one["data"] for one in of_kind(objects, "ConfigMap") if "FRESHET_STORE_URL" in one["data"]]
    assert int(store["FRESHET_STORE_REPLICAS"]) <= peers


def test_every_setting_is_one_that_the_code_reads_and_takes(every_object: tuple[Object, ...]) -> None:
    for pod in workloads(every_object):
        settings = pod.environment(every_object)
        assert wrong({name: value or "from-a-secret" for name, value in settings.items()}) == [], pod.name
        others = {name for name in settings if not name.startswith(("FRESHET_", "QDRANT"))}
        assert others == set(), pod.name


def test_files_that_settings_name_are_mounted(every_object: tuple[Object, ...]) -> None:
    for pod in workloads(every_object):
        mounts = {one["mountPath"] for container in pod.containers for one in container.get("volumeMounts", [])}
        for name, value in pod.environment(every_object).items():
            if value and value.startswith("/"):
                assert any(value == one or value.startswith(f"{one}/") for one in mounts), (pod.name, name)


def test_the_secured_settings_are_those_of_the_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = overlay("production")
    (pod,) = [one for one in workloads(objects) if one.name == "consumers"]
    for name, value in pod.environment(objects).items():
        if value is not None:
            monkeypatch.setenv(name, value)
    kafka, store = KafkaSettings(), StoreSettings()
    (listener,) = named(objects, "Kafka", "vector-cluster")["spec"]["kafka"]["listeners"]
    assert (kafka.bootstrap, kafka.protocol) == (f"vector-cluster-kafka-bootstrap:{listener['port']}", "ssl")
    assert listener["tls"] is True
    assert listener["authentication"] == {"type": "tls"}
    ports = {one["name"]: one["port"] for one in named(objects, "Service", "qdrant")["spec"]["ports"]}
    assert (store.url, store.grpc_port) == (f"https://qdrant:{ports['http']}", ports["grpc"])
    (certificate,) = [one for one in of_kind(objects, "Certificate") if one["metadata"]["name"] == "qdrant-tls"]
    assert "qdrant" in certificate["spec"]["dnsNames"]
    assert (store.m, store.ef_construct, store.replicas) == (16, 128, 2)


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_stores_certificate_covers_every_name_it_is_called_by(name: str) -> None:
    objects = overlay(name)
    certificate = next(one for one in of_kind(objects, "Certificate") if one["metadata"]["name"] == "qdrant-tls")
    names = certificate["spec"]["dnsNames"]
    # OpenSSL and rustls want two labels behind a star.
    assert all(one.count(".") >= 2 for one in names if one.startswith("*"))
    called = set()
    for pod in workloads(objects):
        said = [*pod.environment(objects).values(), *pod.pod["containers"][0].get("command", [])]
        called |= {host for value in said if value for host in re.findall(r"https://([\w.$-]*qdrant[\w.-]*):", value)}
    assert len(called) >= 2
    for host in called:
        _, _, rest = host.partition(".")
        assert host in names or f"*.{rest}" in names, host
    (issued,) = {one["spec"]["issuerRef"]["name"] for one in of_kind(objects, "Certificate")} - {"self-signed"}
    assert issued in {one["metadata"]["name"] for one in of_kind(objects, "Issuer")}


def test_scaling_follows_names_that_exist() -> None:
    scaled = {one["metadata"]["name"]: one["spec"] for one in of_kind(overlay("production"), "ScaledObject")}
    (lag,) = scaled["consumers"]["triggers"]
    assert (lag["type"], lag["metadata"]["consumerGroup"], lag["metadata"]["topic"]) == (
        "kafka",
        CONSUMER_GROUP,
        EMBEDDINGS.name,
    )
    assert scaled["consumers"]["maxReplicaCount"] == EMBEDDINGS.partitions
    (queue,) = scaled["inference"]["triggers"]
    assert queue["metadata"]["query"].startswith(f"sum({metrics.INFERENCE_WAITING.name}{{")


def test_the_job_fits_its_cluster(objects: tuple[Object, ...]) -> None:
    (pod,) = [one for one in workloads(objects) if one.kind == "FlinkDeployment"]
    spec = pod.owner["spec"]
    settings = pod.environment(objects)
    # What the job says of itself wins over the operator's word.
    assert settings["FRESHET_JOB_PARALLELISM"] == str(spec["job"]["parallelism"])
    configuration = spec["flinkConfiguration"]
    assert int(configuration["job.autoscaler.vertex.max-parallelism"]) == DOCUMENTS.partitions
    flink = version("apache-flink")
    assert spec["flinkVersion"] == "v" + "_".join(flink.split(".")[:2])
    assert spec["job"]["jarURI"] == f"local:///opt/flink/opt/flink-python-{flink}.jar"
    storage = {configuration[key].rsplit("/", 1)[0] for key in configuration if configuration[key].count("://") == 1}
    assert len(storage) == 1
    assert settings["FRESHET_JOB_EMBEDDING"] in ROUTES


def test_images_are_of_this_version() -> None:
    project = version("freshet")
    component = yaml.safe_load((ROOT / "k8s" / "components" / "images" / "kustomization.yaml").read_text())
    assert {one["newTag"] for one in component["images"] if one["name"].startswith("ghcr.io/freshet/")} == {project}


def test_what_is_generated_is_what_its_sources_say_now() -> None:
    run = subprocess.run([sys.executable, "k8s/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + "write it anew: python k8s/generate.py"


def test_every_dashboard_is_brought_to_grafana() -> None:
    brought = {
        key
        for one in of_kind(overlay("production"), "ConfigMap")
        if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
        for key in one["data"]
    }
    assert brought == {path.name for path in (ROOT / "grafana" / "dashboards").glob("*.json")}


def test_what_the_producer_captures_is_what_the_connector_does(every_object: tuple[Object, ...]) -> None:
    from producers.cdc.capture import parse_capture

    (source,) = {one["spec"]["target"]["template"]["data"]["shop.yaml"] for one in _captures(every_object)}
    rendered = source.replace('{{ "{{" }}', "{{").replace("{{ .password | quote }}", '"p"')
    capture = parse_capture(yaml.safe_load(rendered), "shop.yaml")
    connector = named(every_object, "KafkaConnector", capture.connector_name)["spec"]["config"]
    assert connector["table.include.list"].replace("\\", "") == ",".join(capture.captured)
    assert connector["database.hostname"] == capture.host
    assert connector["database.password"] == "${secrets:freshet/freshet-cdc-shop:password}"
    (role,) = [one for one in of_kind(every_object, "Role") if one["metadata"]["name"] == "connect-secrets"][:1]
    assert role["rules"][0]["resourceNames"] == ["freshet-cdc-shop"]


def _captures(objects: tuple[Object, ...]) -> list[Object]:
    return [one for one in of_kind(objects, "ExternalSecret") if one["metadata"]["name"].startswith("freshet-cdc-")]
