"""The workflows: linted, pinned, with few permissions; what their scripts do, test_scripts.py says."""

from __future__ import annotations

import os
import re
import subprocess
from importlib.metadata import metadata
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.faults.harness.tools import DOCKER_REQUIRED, missing
from tests.manifests.dockerfile import ROOT, TARGETS
from tests.manifests.fake_cluster import BIN, SCRIPTS

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


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


def test_an_image_is_scanned_before_it_is_pushed_and_signed_after() -> None:
    steps = _steps("images.yml", "build")
    uses = [step.get("uses", step.get("run", "")).split("@")[0] for step in steps]
    built, pushed = (place for place, one in enumerate(uses) if one == "docker/build-push-action")
    scanned, signed = uses.index("aquasecurity/trivy-action"), len(steps) - 1
    assert built < scanned < pushed < signed
    assert steps[built]["with"]["load"] is True
    assert steps[scanned]["with"]["exit-code"] == "1"
    assert steps[pushed]["with"]["push"] is True
    assert steps[pushed]["with"]["sbom"] is True
    assert steps[pushed]["with"]["provenance"] == "mode=max"
    assert "sign-image.sh" in steps[signed]["run"]
    assert steps[pushed]["if"] == steps[signed]["if"] == "env.PUSH == 'true'"


def test_every_python_that_is_supported_is_checked_on_each_push() -> None:
    checks = yaml.safe_load((GITHUB / "workflows/checks.yml").read_text())
    assert {"push", "pull_request"} <= set(checks[True])
    supported = metadata("freshet")["Requires-Python"]
    versions = [f"3.{minor}" for minor in range(8, 16) if Version(f"3.{minor}") in SpecifierSet(supported)]
    assert checks["jobs"]["unit"]["strategy"]["matrix"]["python"] == versions
    runs = "\n".join(step.get("run", "") for step in _steps("checks.yml", "lint"))
    assert "make check" in runs
    assert "pytest tests/manifests" in runs


def test_a_cluster_is_made_and_used_and_dumped_where_that_fails() -> None:
    steps = _steps("integration.yml", "kind")
    runs = [step.get("run", step.get("uses", "")) for step in steps]
    order = ["helm/kind-action", "kind-images.sh", "install-operators.sh", "deploy.sh kind", "dump-cluster.sh"]
    places = [next(place for place, run in enumerate(runs) if part in run) for part in order]
    assert places == sorted(places)
    assert [step.get("if") for step in steps[-2:]] == ["failure()", "failure()"]


def test_where_docker_is_there_a_test_that_needs_it_is_not_skipped() -> None:
    (tests,) = [step for step in _steps("integration.yml", "containers") if "pytest" in step.get("run", "")]
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


def _steps(workflow: str, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((GITHUB / "workflows" / workflow).read_text())["jobs"][job]["steps"]
    return found


def _passes(command: list[str]) -> None:
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
