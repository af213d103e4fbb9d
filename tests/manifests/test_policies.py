"""What schemas do not see: names that must agree, and rules that every workload keeps."""

from __future__ import annotations

import re
from collections import Counter

from tests.manifests.overlays import Object, named, of_kind, title
from tests.manifests.workloads import Workload, references, workloads

IMAGES = "ghcr.io/freshet/"
TARGETS = {"producers", "flink-job", "inference", "consumers", "search", "connect"}
WITH_TOKEN = {"FlinkDeployment/vector-ingestion-job"}
"""Flink starts its TaskManagers itself and elects its leader through the API of Kubernetes."""
MADE_BY_STRIMZI = {"vector-cluster-cluster-ca-cert": {"ca.crt"}}
USER_KEYS = {"user.crt", "user.key"}
TLS_KEYS = {"tls.crt", "tls.key", "ca.crt"}


def each(objects: tuple[Object, ...]) -> list[Workload]:
    found = list(workloads(objects))
    assert len(found) >= 9
    return found


def test_each_object_stands_once(objects: tuple[Object, ...]) -> None:
    assert [name for name, count in Counter(map(title, objects)).items() if count > 1] == []
    assert {one["metadata"].get("namespace") for one in objects if one["kind"] != "Namespace"} == {"freshet"}


def test_selectors_match_the_pods_that_they_mean(objects: tuple[Object, ...]) -> None:
    pods = each(objects)
    for one in of_kind(objects, "Deployment", "StatefulSet"):
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= labels.items(), title(one)
    for one in of_kind(objects, "Service", "PodDisruptionBudget"):
        wanted = one["spec"]["selector"]
        wanted = wanted.get("matchLabels", wanted)
        assert [pod.name for pod in pods if wanted.items() <= pod.labels.items()], title(one)
    for pod in pods:
        for spread in pod.pod.get("topologySpreadConstraints", []):
            assert spread["labelSelector"]["matchLabels"].items() <= pod.labels.items(), pod.name


def test_a_service_leads_to_a_port_that_its_pods_have(objects: tuple[Object, ...]) -> None:
    pods = each(objects)
    for service in of_kind(objects, "Service"):
        for pod in pods:
            if service["spec"]["selector"].items() <= pod.labels.items():
                ports = {one["name"] for container in pod.containers for one in container.get("ports", [])}
                assert {one["targetPort"] for one in service["spec"]["ports"]} <= ports, title(service)


def test_every_port_in_a_probe_a_monitor_or_an_ingress_exists(objects: tuple[Object, ...]) -> None:
    pods = each(objects)
    for pod in pods:
        for container in pod.containers:
            ports = {one["name"] for one in container.get("ports", [])}
            probes = [probe for name, probe in container.items() if name.endswith("Probe")]
            assert {probe["httpGet"]["port"] for probe in probes} <= ports, pod.name
    for monitor in of_kind(objects, "PodMonitor"):
        selector = monitor["spec"]["selector"]
        if any("strimzi.io" in one["key"] for one in selector.get("matchExpressions", [])):
            continue  # of pods that Strimzi makes
        (port,) = [one["port"] for one in monitor["spec"]["podMetricsEndpoints"]]
        found = [pod for pod in pods if _selects(selector, pod.labels)]
        assert found, title(monitor)
        for pod in found:
            assert port in {one["name"] for one in pod.containers[0]["ports"]}, (title(monitor), pod.name)
    for monitor in of_kind(objects, "ServiceMonitor"):
        services = [one for one in of_kind(objects, "Service") if _selects(monitor["spec"]["selector"], _labels(one))]
        assert services, title(monitor)
        for service in services:
            ports = {one["name"] for one in service["spec"]["ports"]}
            assert {one["port"] for one in monitor["spec"]["endpoints"]} <= ports, title(monitor)
    for ingress in of_kind(objects, "Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        service = named(objects, "Service", backend["name"])
        assert backend["port"]["name"] in {one["name"] for one in service["spec"]["ports"]}


def test_every_process_that_counts_is_asked_for_its_metrics(whole: tuple[Object, ...]) -> None:
    monitors = [one["spec"]["selector"] for one in of_kind(whole, "PodMonitor")]
    counting = [pod for pod in workloads(whole) if "app.kubernetes.io/component" in pod.labels]
    assert len(counting) >= 7
    for pod in counting:
        assert any(_selects(selector, pod.labels) for selector in monitors), pod.name


def test_every_image_has_a_tag_and_ours_are_those_that_are_built(every_object: tuple[Object, ...]) -> None:
    images = {pod.image(container) for pod in workloads(every_object) for container in pod.containers}
    images |= {one["spec"]["image"] for one in of_kind(every_object, "KafkaConnect")}
    for image in images:
        assert re.fullmatch(r"[a-z0-9./-]+:(?!latest$)[A-Za-z0-9._-]+(@sha256:[0-9a-f]{64})?", image), image
    ours = {image.removeprefix(IMAGES).split(":")[0] for image in images if image.startswith(IMAGES)}
    assert ours == TARGETS
    assert len({image.split(":")[1] for image in images if image.startswith(IMAGES)}) == 1


def test_every_config_map_and_secret_that_is_named_has_the_key(every_object: tuple[Object, ...]) -> None:
    config = {one["metadata"]["name"]: set(one["data"]) for one in of_kind(every_object, "ConfigMap")}
    secrets = dict(MADE_BY_STRIMZI)
    secrets |= {one["metadata"]["name"]: USER_KEYS for one in of_kind(every_object, "KafkaUser")}
    secrets |= {one["spec"]["secretName"]: TLS_KEYS for one in of_kind(every_object, "Certificate")}
    for one in of_kind(every_object, "ExternalSecret"):
        target = one["spec"]["target"]
        made = {step["regexp"]["target"] for source in one["spec"].get("dataFrom", []) for step in source["rewrite"]}
        secrets[target["name"]] = made | set(target.get("template", {}).get("data", {}))
    checked = 0
    for one in every_object:
        for kind, name, key in references(one):
            known = config if kind == "ConfigMap" else secrets
            assert name in known, f"{title(one)} names {kind} {name}, which nothing makes"
            assert key is None or key in known[name], f"{title(one)}: {kind} {name} has no {key}"
            checked += 1
    for one in of_kind(every_object, "TriggerAuthentication"):
        for wanted in one["spec"]["secretTargetRef"]:
            assert wanted["key"] in secrets[wanted["name"]], wanted
            checked += 1
    assert checked > 50


def test_no_secret_is_written_down(every_object: tuple[Object, ...]) -> None:
    assert of_kind(every_object, "Secret") == []
    for pod in workloads(every_object):
        for container in pod.containers:
            for one in container.get("env", []):
                assert "value" not in one or not re.search(r"API_KEY|PASSWORD|TOKEN", one["name"]), one


def test_volumes_and_mounts_agree(objects: tuple[Object, ...]) -> None:
    for pod in each(objects):
        claimed = {one["metadata"]["name"] for one in pod.owner["spec"].get("volumeClaimTemplates", [])}
        volumes = {one["name"] for one in pod.pod.get("volumes", [])} | claimed
        mounted = {one["name"] for container in pod.containers for one in container.get("volumeMounts", [])}
        assert volumes == mounted, pod.name
        claims = {
            one["persistentVolumeClaim"]["claimName"]
            for one in pod.pod.get("volumes", [])
            if "persistentVolumeClaim" in one
        }
        assert claims <= {one["metadata"]["name"] for one in of_kind(objects, "PersistentVolumeClaim")}


def test_no_container_has_a_right_that_it_does_not_need(objects: tuple[Object, ...]) -> None:
    for pod in each(objects):
        assert pod.pod["securityContext"]["runAsNonRoot"] is True, pod.name
        assert pod.pod["securityContext"]["runAsUser"] > 0
        assert pod.pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any(pod.pod.get(one) for one in ("hostNetwork", "hostPID", "hostIPC"))
        for container in pod.containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, pod.name


def test_strimzis_pods_are_without_rights_too(every_object: tuple[Object, ...]) -> None:
    for one in of_kind(every_object, "KafkaNodePool", "KafkaConnect", "Kafka"):
        templates = [one["spec"].get("template")] + [
            part["template"] for part in (one["spec"].get("entityOperator"), one["spec"].get("kafkaExporter")) if part
        ]
        for template in filter(None, templates):
            assert template["pod"]["securityContext"]["runAsNonRoot"] is True, title(one)
            containers = [value for name, value in template.items() if name.lower().endswith("container")]
            assert containers, title(one)
            for container in containers:
                assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_each_process_has_its_own_account_and_no_token(objects: tuple[Object, ...]) -> None:
    accounts = {one["metadata"]["name"]: one for one in of_kind(objects, "ServiceAccount")}
    used = Counter[str]()
    for pod in each(objects):
        name = pod.owner["spec"].get("serviceAccount") or pod.pod["serviceAccountName"]
        used[name] += 1
        token = f"{pod.kind}/{pod.name}" in WITH_TOKEN
        assert accounts[name]["automountServiceAccountToken"] is token, pod.name
        assert pod.pod["automountServiceAccountToken"] is token, pod.name
    assert used == Counter(dict.fromkeys(accounts, 1))


def test_resources_are_asked_for_and_memory_is_bounded(objects: tuple[Object, ...]) -> None:
    for pod in each(objects):
        if pod.kind == "FlinkDeployment":
            for part in ("jobManager", "taskManager"):
                assert set(pod.owner["spec"][part]["resource"]) >= {"cpu", "memory"}
            continue
        for container in pod.containers:
            asked = container["resources"]
            assert set(asked["requests"]) == {"cpu", "memory"}, pod.name
            assert asked["limits"] == {"memory": asked["requests"]["memory"]}, pod.name


def test_what_serves_is_probed_and_guarded_against_drains(objects: tuple[Object, ...]) -> None:
    budgets = [one["spec"]["selector"]["matchLabels"] for one in of_kind(objects, "PodDisruptionBudget")]
    for pod in each(objects):
        if pod.kind not in ("Deployment", "StatefulSet"):
            continue
        for container in pod.pod["containers"]:
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys(), pod.name
        alone = pod.owner["spec"].get("replicas", 2) == 1
        assert alone or any(one.items() <= pod.labels.items() for one in budgets), pod.name


def test_consumers_go_where_the_model_is_and_copies_go_apart(whole: tuple[Object, ...]) -> None:
    pods = {pod.name: pod for pod in workloads(whole)}
    (beside,) = pods["consumers"].pod["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    term = beside["podAffinityTerm"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    # With the model in the job there are no servers of it, and the wish means nothing.
    served = [name for name in ("inference",) if name in pods]
    for name in served:
        assert term["labelSelector"]["matchLabels"].items() <= pods[name].labels.items()
    for replicated in ("consumers", "search", "qdrant", "vector-ingestion-job", *served):
        keys = {one["topologyKey"] for one in pods[replicated].pod["topologySpreadConstraints"]}
        assert "topology.kubernetes.io/zone" in keys, replicated
    apart = pods["qdrant"].pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [one["topologyKey"] for one in apart] == ["kubernetes.io/hostname"]


def test_what_is_scaled_says_no_number_of_its_own(objects: tuple[Object, ...]) -> None:
    """Else each release would set it back."""
    for scaled in of_kind(objects, "ScaledObject"):
        target = named(objects, "Deployment", scaled["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in target["spec"]


def _labels(one: Object) -> dict[str, str]:
    found: dict[str, str] = one["metadata"].get("labels", {})
    return found


def _selects(selector: Object, labels: dict[str, str]) -> bool:
    expressions = selector.get("matchExpressions", [])
    assert all(one["operator"] == "In" for one in expressions)
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )
