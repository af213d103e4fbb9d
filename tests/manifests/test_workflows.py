"""The workflows: linted, pinned, with few permissions; their scripts against a kubectl that notes what it is asked."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from freshet.stack import jars
from tests.faults.harness.tools import DOCKER_REQUIRED, missing
from tests.manifests.crds import MODULES, OPERATORS
from tests.manifests.dockerfile import ROOT, TARGETS, lineage
from tests.manifests.overlays import kustomize

BIN = Path(sys.executable).parent
GITHUB = ROOT / ".github"
SCRIPTS = GITHUB / "scripts"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
MANIFESTS = """apiVersion: v1
kind: Namespace
metadata:
  name: freshet
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: note
data:
  release: {mark}
  text: |
    not a document of its own:
    ---
    kind: Deployment
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: search
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: vector-ingestion-job
---
apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata:
  name: vector-cluster
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: documents
"""


@dataclass(frozen=True, slots=True)
class Call:
    call: str
    kinds: list[str]
    marks: list[str]


class Cluster:
    """What scripts meet instead of a cluster."""

    def __init__(self, folder: Path, *, smoke: str = "found", fails: str | None = None, kept: bool = True) -> None:
        self._folder = folder
        commands = folder / "bin"
        commands.mkdir()
        shutil.copy(ROOT / "tests/manifests/fake_kubectl.py", commands / "kubectl")
        (commands / "kubectl").chmod(0o755)
        before = base64.b64encode(gzip.compress(MANIFESTS.format(mark="before").encode())).decode() if kept else ""
        plan: list[dict[str, Any]] = [] if fails is None else [{"call": fails, "exit": 1, "error": "no\n", "times": 1}]
        plan += [
            {"call": "^kustomize ", "answer": MANIFESTS.format(mark="new")},
            {"call": "get configmap freshet-release", "answer": before},
            {"call": "create configmap freshet-release", "answer": "kind: ConfigMap\n"},
            {"call": "get deployments,statefulsets", "answer": "deployment.apps/search\nstatefulset.apps/qdrant\n"},
            {"call": "exec deployment/search", "answer": f"{smoke}\n", "times": 1},
            {"call": "exec deployment/search", "answer": "absent\n"},
        ]
        (folder / "plan.json").write_text(json.dumps(plan))

    def run(self, script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": f"{self._folder / 'bin'}:{BIN}:{os.environ['PATH']}",
            "FAKE_KUBECTL": str(self._folder),
            "SMOKE_SECONDS": "1",
            "SMOKE_PAUSE": "0.1",
            **more,
        }
        command = [str(SCRIPTS / script), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    def pretend(self, command: str, script: str) -> None:
        """Another command that notes what it is asked."""
        path = self._folder / "bin" / command
        path.write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    @property
    def calls(self) -> list[Call]:
        path = self._folder / "calls.jsonl"
        return [Call(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    def place(self, pattern: str, start: int = 0) -> int:
        """Of the first such call, by its order."""
        for number, one in enumerate(self.calls[start:], start):
            if re.search(pattern, one.call):
                return number
        raise AssertionError(f"{pattern} was not called:\n" + "\n".join(one.call for one in self.calls))

    def applied(self, kind: str, start: int = 0) -> int:
        for number, one in enumerate(self.calls[start:], start):
            if " apply " in one.call and kind in one.kinds:
                return number
        raise AssertionError(f"{kind} was not applied")


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(request.param.read_text(encoding="utf-8"))
    return loaded


def test_actionlint_finds_nothing() -> None:
    if not (actionlint := ROOT / ".tools" / "bin" / "actionlint").exists():
        missing("actionlint", "run `make tools`, which builds it with Go")
    _passes([str(actionlint), "-shellcheck", str(BIN / "shellcheck"), "-pyflakes", "", *map(str, WORKFLOWS)])


def test_zizmor_finds_nothing() -> None:
    _passes([str(BIN / "zizmor"), "--offline", "--no-progress", str(GITHUB)])


def test_shellcheck_finds_nothing() -> None:
    _passes([str(BIN / "shellcheck"), "--external-sources", *map(str, sorted(SCRIPTS.glob("*.sh"))), ".ci/run"])


def test_yamllint_finds_nothing() -> None:
    _passes([str(BIN / "yamllint"), "--strict", "--config-file", ".yamllint.yaml", "compose.yaml", ".github", "k8s"])


def test_the_files_fit_the_schemas_of_github() -> None:
    check = str(BIN / "check-jsonschema")
    _passes([check, "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)])
    _passes([check, "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"])


def test_every_action_is_pinned_by_its_commit_and_says_its_version() -> None:
    uses = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    versions: dict[str, set[str]] = {}
    for line in uses:
        action, _, commit = line.split("uses: ")[1].partition("@")
        versions.setdefault(action, set()).add(commit)
    assert all(len(commits) == 1 for commits in versions.values()), versions


def test_nothing_is_permitted_but_by_the_job_that_needs_it(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"]["contents"] == "read", name
        assert set(job["permissions"]) <= {"contents", "packages", "id-token"}
        assert job["timeout-minutes"] <= 90
    assert "concurrency" in workflow


def test_no_workflow_uses_a_secret_but_the_token_of_its_run() -> None:
    found = {name for path in WORKFLOWS for name in re.findall(r"secrets\.(\w+)", path.read_text())}
    assert found <= {"GITHUB_TOKEN"}


def test_every_script_that_a_workflow_runs_is_there_and_can_be_run() -> None:
    named = {name for path in WORKFLOWS for name in re.findall(r"\.github/scripts/([\w-]+\.sh)", path.read_text())}
    assert named
    for name in {*named, *(path.name for path in SCRIPTS.glob("*.sh"))}:
        assert os.access(SCRIPTS / name, os.X_OK), name


def test_the_images_that_are_built_are_the_targets() -> None:
    images = yaml.safe_load((GITHUB / "workflows/images.yml").read_text())
    assert set(images["jobs"]["build"]["strategy"]["matrix"]["image"]) == set(TARGETS)


def test_where_docker_is_there_a_test_that_needs_it_is_not_skipped() -> None:
    integration = yaml.safe_load((GITHUB / "workflows/integration.yml").read_text())
    steps = integration["jobs"]["containers"]["steps"]
    (tests,) = [step for step in steps if "pytest" in step.get("run", "")]
    assert tests["env"] == {DOCKER_REQUIRED: "1"}
    for path in ("tests/manifests/test_compose.py", "tests/integration/test_containers.py"):
        assert path in tests["run"]
        assert "DOCKER_REQUIRED" in (ROOT / path).read_text()


def test_the_deployment_follows_changes_of_manifests_and_waits_for_approval() -> None:
    deploy = yaml.safe_load((GITHUB / "workflows/deploy.yml").read_text())
    assert "k8s/**" in deploy[True]["push"]["paths"]
    for name in ("staging", "production"):
        job = deploy["jobs"][name]
        assert job["environment"] == name
        assert job["permissions"]["id-token"] == "write"
        assert (ROOT / "k8s" / "overlays" / name).is_dir()
    assert deploy["jobs"]["production"]["needs"] == "staging"
    assert deploy["concurrency"]["cancel-in-progress"] is False


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
        _passes([kubectl, "--kubeconfig", str(path), "config", "view", "--minify"])


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


def _passes(command: list[str]) -> None:
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
