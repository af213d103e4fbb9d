"""What the pages for operators name is in the manifests."""

from __future__ import annotations

import ast
import re

import pytest

from tests.manifests.overlays import ROOT, Object, of_kind

PAGES = ("docs/operations.md", "docs/security.md", "k8s/README.md", "README.md")
KINDS = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "cronjob": "CronJob",
    "scaledobject": "ScaledObject",
    "flinkdeployment": "FlinkDeployment",
}
_NAMED = re.compile(rf"\b({'|'.join(KINDS)})/([a-z][a-z-]*[a-z])")
_SECRETS = re.compile(r"(?:delete|get) secret ((?:[a-z][a-z-]+ ?)+)|\bsecret/([a-z][a-z-]+)")


@pytest.mark.parametrize("page", PAGES)
def test_what_a_command_names_is_there(page: str, every_object: tuple[Object, ...]) -> None:
    text = (ROOT / page).read_text("utf-8")
    known = {(one["kind"], one["metadata"]["name"]) for one in every_object}
    for kind, name in _NAMED.findall(text):
        assert (KINDS[kind], name) in known, f"{kind}/{name}"
    made = {one["spec"]["target"]["name"] for one in of_kind(every_object, "ExternalSecret")}
    made |= {one["metadata"]["name"] for one in of_kind(every_object, "KafkaUser")}
    for several, one in _SECRETS.findall(text):
        assert set((several or one).split()) <= made, several or one


@pytest.mark.parametrize("page", PAGES)
def test_every_script_that_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for name in re.findall(r"\.github/scripts/[\w-]+\.sh|k8s/[\w/.-]+", text):
        assert (ROOT / name.rstrip(".")).exists(), name


def test_what_the_operator_runs_in_python_can_be_read() -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    scripts = re.findall(r"<<'EOF'[^\n]*\n(.*?)\nEOF\n", text, re.DOTALL)
    assert scripts
    for script in scripts:
        imported = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.ImportFrom)]
        assert imported
        for node in imported:
            module = __import__(node.module or "", fromlist=[one.name for one in node.names])
            assert all(hasattr(module, one.name) for one in node.names)
