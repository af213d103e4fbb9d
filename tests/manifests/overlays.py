"""What `kubectl apply -k` would send for each overlay."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.faults.harness.tools import missing

Object = dict[str, Any]
ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
OVERLAYS = tuple(sorted(path.parent.name for path in (K8S / "overlays").glob("*/kustomization.yaml")))
ROUTES = ("in-process", "ml-predict")
"""Components of which an overlay has one: where the embedding runs."""
_TOOLS = ROOT / ".tools" / "bin"


def kustomize() -> list[str]:
    """The command that builds a folder: kubectl's, or kustomize itself."""
    if kubectl := shutil.which("kubectl"):
        return [kubectl, "kustomize"]
    installed = _TOOLS / "kustomize"
    found = str(installed) if installed.exists() else shutil.which("kustomize")
    return [found, "build"] if found else missing("kubectl", "install it, or run `make tools`")


@cache
def build(folder: Path) -> tuple[Object, ...]:
    """The objects of a kustomization. Blocks for about a second; raises AssertionError with kustomize's words."""
    run = subprocess.run([*kustomize(), str(folder)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return tuple(yaml.safe_load_all(run.stdout))


def overlay(name: str) -> tuple[Object, ...]:
    return build(K8S / "overlays" / name)


def copied(folder: Path) -> Path:
    """A copy of all manifests under ``folder``, to change and to build."""
    shutil.copytree(K8S, folder / "k8s")
    shutil.copytree(ROOT / "grafana", folder / "grafana", ignore=shutil.ignore_patterns("generator"))
    return folder / "k8s"


@cache
def extended(name: str, folder: Path, other_route: bool = True) -> tuple[Object, ...]:
    """An overlay with change capture and, if so asked, the other route for the embedding than its own.

    It is built in a copy of all manifests under ``folder``.
    """
    copy = copied(folder / f"{name}-{other_route}")
    path = copy / "overlays" / name / "kustomization.yaml"
    text = path.read_text()
    (own,) = [route for route in ROUTES if f"components/{route}\n" in text]
    (other,) = set(ROUTES) - {own}
    route = other if other_route else own
    changed = text.replace(f"components/{own}\n", f"components/{route}\n  - ../../components/postgres\n")
    path.write_text(changed)
    return build(copy / "overlays" / name)


def of_kind(objects: tuple[Object, ...], *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def named(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    """Raises KeyError where there is none."""
    for one in of_kind(objects, kind):
        if one["metadata"]["name"] == name:
            return one
    raise KeyError(f"{kind} {name}")


def title(one: Object) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"
