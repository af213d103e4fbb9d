"""The workflows' scripts against a kubectl that notes what it is asked: order, arguments, and the way back."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

from freshet.stack import jars
from tests.faults.harness.tools import missing
from tests.manifests.crds import MODULES, OPERATORS
from tests.manifests.dockerfile import lineage
from tests.manifests.fake_cluster import MANIFESTS, SCRIPTS, Cluster
from tests.manifests.overlays import ROOT, kustomize


def test_a_release_brings_kafka_then_the_job_then_the_rest_then_a_search(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    run = cluster.run("deploy.sh", "staging")
    assert run.returncode == 0, run.stderr
    assert cluster.calls[0].call.endswith("k8s/overlays/staging")
    order = [
        cluster.applied("Namespace"),
        cluster.applied("Kafka"),
        cluster.place("wait kafka/vector-cluster --for=condition=Ready --timeout=300s"),
        cluster.applied("FlinkDeployment"),
        cluster.applied("Deployment"),
        cluster.place("wait flinkdeployment/vector-ingestion-job .*RUNNING"),
        cluster.place("rollout status deployment.apps/search"),
        cluster.place("exec statefulset/producer-files .* freshet publish smoke-"),
        cluster.place("exec deployment/search"),
        cluster.place("freshet delete smoke-"),
        cluster.place("create configmap freshet-release"),
    ]
    assert order == sorted(order)
    assert cluster.applied("KafkaTopic") == cluster.applied("Kafka")
    assert all("--namespace freshet" in one.call for one in cluster.calls[1:])
    # Each document once, and the text that looks like one not at all.
    kinds = [kind for one in cluster.calls if " apply " in one.call for kind in one.kinds]
    assert sorted(kinds) == sorted(["ConfigMap", "ConfigMap", *re.findall(r"^kind: (\w+)", MANIFESTS, re.M)][1:])


@pytest.mark.parametrize(
    "fails",
    [
        "wait kafka/vector-cluster",
        "wait flinkdeployment",
        "rollout status statefulset/qdrant",
        "rollout status deployment",
        "apply --server-side",
        "freshet publish",
    ],
)
def test_a_release_that_fails_is_rolled_back_to_the_last_good_one(tmp_path: Path, fails: str) -> None:
    cluster = Cluster(tmp_path, fails=fails)
    run = cluster.run("deploy.sh", "production")
    assert run.returncode == 1
    assert "Rolled back" in run.stderr
    asked = cluster.place("get configmap freshet-release")
    back = cluster.applied("Kafka", asked)
    assert cluster.calls[back].marks == ["before"]
    assert cluster.place("wait kafka/vector-cluster", back) > back
    assert not any("create configmap" in one.call for one in cluster.calls)


def test_a_change_that_no_search_finds_is_a_failed_release(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, smoke="absent")
    run = cluster.run("deploy.sh", "staging")
    assert run.returncode == 1
    assert "is still not found" in run.stderr
    assert "Rolled back" in run.stderr


def test_a_first_release_that_fails_leaves_what_it_applied(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, fails="wait kafka/vector-cluster", kept=False)
    run = cluster.run("deploy.sh", "staging")
    assert run.returncode == 1
    assert "this was the first" in run.stderr
    assert "Rolled back" not in run.stderr


def test_a_rollback_that_fails_is_said(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, fails="wait kafka/vector-cluster")
    plan = json.loads((tmp_path / "plan.json").read_text())
    plan[0]["times"] = 2
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    run = cluster.run("deploy.sh", "staging")
    assert run.returncode == 1
    assert "The rollback failed too" in run.stderr


def test_an_overlay_that_does_not_build_changes_nothing(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, fails="^kustomize ")
    assert cluster.run("deploy.sh", "staging").returncode == 1
    assert [one.call.split()[0] for one in cluster.calls] == ["kustomize"]


def test_the_dump_reads_and_never_fails(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, fails="get nodes")
    assert cluster.run("dump-cluster.sh", str(tmp_path / "dump")).returncode == 0
    assert (tmp_path / "dump" / "objects.yaml").exists()
    verbs = {re.sub(r"^--namespace \S+ ", "", one.call).split()[0] for one in cluster.calls}
    assert verbs <= {"get", "describe", "logs"}
    assert not any(re.search(r"\bsecrets?\b", one.call.replace("external-secrets", "")) for one in cluster.calls)


def test_the_kubeconfig_holds_no_secret_and_asks_for_tokens(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    authority = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    more = {"KUBECONFIG": str(path), "CLUSTER_SERVER": "https://cluster.example.org", "CLUSTER_CA": authority}
    run = Cluster(tmp_path).run("kubeconfig.sh", **more)
    assert run.returncode == 0, run.stderr
    assert path.stat().st_mode & 0o077 == 0
    loaded = yaml.safe_load(path.read_text())
    assert (
        base64.b64decode(loaded["clusters"][0]["cluster"]["certificate-authority-data"]).decode().strip() == authority
    )
    asks = loaded["users"][0]["user"]
    assert set(asks) == {"exec"}
    assert os.access(asks["exec"]["command"], os.X_OK)
    if (kubectl := shutil.which("kubectl")) is not None:
        subprocess.run([kubectl, "--kubeconfig", str(path), "config", "view", "--minify"], check=True)


def test_a_cluster_without_tls_is_refused(tmp_path: Path) -> None:
    more = {"KUBECONFIG": str(tmp_path / "kubeconfig"), "CLUSTER_SERVER": "http://cluster", "CLUSTER_CA": "x"}
    run = Cluster(tmp_path).run("kubeconfig.sh", **more)
    assert run.returncode == 2
    assert "https://" in run.stderr
    assert not (tmp_path / "kubeconfig").exists()


def test_a_token_for_the_cluster_is_githubs_own_and_lives_for_minutes(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        missing("jq", "install it: the script that makes kubectl's credentials uses it")
    cluster = Cluster(tmp_path)
    cluster.pretend("curl", """printf '%s\\n' "$*" >"$FAKE_KUBECTL/asked"; echo '{"value": "made-up"}'""")
    more = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example.org",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
        "CLUSTER_AUDIENCE": "https://cluster.example.org",
    }
    run = cluster.run("cluster-token.sh", **more)
    assert run.returncode == 0, run.stderr
    credential = json.loads(run.stdout)
    assert credential["kind"] == "ExecCredential"
    assert credential["status"]["token"] == "made-up"
    until = datetime.fromisoformat(credential["status"]["expirationTimestamp"].replace("Z", "+00:00"))
    left = until - datetime.now(timezone.utc)
    assert timedelta(minutes=2) < left < timedelta(minutes=5)
    assert "audience=https://cluster.example.org" in (tmp_path / "asked").read_text()


def test_without_a_token_there_is_no_credential(tmp_path: Path) -> None:
    run = Cluster(tmp_path).run("cluster-token.sh", CLUSTER_AUDIENCE="https://cluster.example.org")
    assert run.returncode != 0
    assert run.stdout == ""
    assert "id-token: write" in run.stderr


def test_the_operators_are_those_that_the_docs_name(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.pretend("helm", """printf '%s\\n' "$*" >>"$FAKE_KUBECTL/helm" """)
    run = cluster.run("install-operators.sh", "all")
    assert run.returncode == 0, run.stderr
    asked = (tmp_path / "helm").read_text() + "\n".join(one.call for one in cluster.calls)
    rows = re.findall(r"^\| .+ \| .+ \| (?:chart )?(\d+\.\d+\.\d+)", (ROOT / "docs/operations.md").read_text(), re.M)
    installed = {version for name, version in OPERATORS.items() if not name.endswith("_API")}
    assert len(installed) == 6
    assert set(rows) == installed
    for version in installed:
        assert version in asked, version
    assert not re.search(r"\d+\.\d+\.\d+", (SCRIPTS / "install-operators.sh").read_text())
    # The certificates' operator first: others' webhooks need it.
    assert "cert-manager" in cluster.calls[0].call
    # Namespaces that NetworkPolicies name.
    for namespace in ("flink-operator", "monitoring"):
        assert f"--namespace {namespace}" in asked


def test_the_manifests_are_judged_by_the_definitions_of_what_is_installed() -> None:
    judged = {module.path.split("/")[2]: module.version.removeprefix("v") for module in MODULES}
    judged |= {jar.artifact: jar.version for jar in jars.pinned("crds")}
    assert judged == {
        "cert-manager": OPERATORS["CERT_MANAGER"],
        "external-secrets": OPERATORS["EXTERNAL_SECRETS"],
        "keda": OPERATORS["KEDA"],
        "api": OPERATORS["STRIMZI"],
        "crd-generator": OPERATORS["STRIMZI"],
        # Newer ones are installed than could be had to judge by: of the same versions of the API.
        "prometheus-operator": OPERATORS["PROMETHEUS_OPERATOR_API"],
        "flink-kubernetes-operator-api": OPERATORS["FLINK_OPERATOR_API"],
    }
    base = list(lineage("connect"))[-1].base
    assert base.startswith(f"quay.io/strimzi/kafka:{OPERATORS['STRIMZI']}-kafka-")


def test_the_node_gets_every_image_of_ours_that_the_overlay_names(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    built = subprocess.run([*kustomize(), str(ROOT / "k8s/overlays/kind")], capture_output=True, text=True)
    plan = json.loads((tmp_path / "plan.json").read_text())
    (tmp_path / "plan.json").write_text(json.dumps([{"call": "^kustomize ", "answer": built.stdout}, *plan]))
    for command in ("docker", "kind"):
        cluster.pretend(command, f"""printf '%s\\n' "$*" >>"$FAKE_KUBECTL/{command}" """)
    run = cluster.run("kind-images.sh", "freshet")
    assert run.returncode == 0, run.stderr
    named = set(re.findall(r"image: (ghcr\.io/freshet/\S+)", built.stdout))
    calls = (tmp_path / "docker").read_text()
    assert named
    for image in named:
        target = image.rsplit("/", 1)[1].split(":")[0]
        assert f"--target {target} --tag {image} " in calls
        assert f"docker-image {image} --name freshet" in (tmp_path / "kind").read_text()


def test_an_image_without_a_digest_is_not_signed(tmp_path: Path) -> None:
    run = Cluster(tmp_path).run("sign-image.sh", "ghcr.io/freshet/search:0.1.0")
    assert run.returncode == 2
    assert "digest" in run.stderr
