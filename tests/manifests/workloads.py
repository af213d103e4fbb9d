"""Everything that becomes a pod of ours, whatever kind makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.manifests.overlays import Object

_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "FlinkDeployment": ("spec", "podTemplate"),
}


@dataclass(frozen=True, slots=True)
class Workload:
    kind: str
    name: str
    labels: dict[str, str]
    pod: dict[str, Any]
    owner: Object

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    def image(self, container: dict[str, Any]) -> str:
        """Flink's operator takes the image from the deployment, not from the container."""
        found: str = self.owner["spec"]["image"] if self.kind == "FlinkDeployment" else container["image"]
        return found

    def environment(self, objects: tuple[Object, ...]) -> dict[str, str | None]:
        """Of the first container; None for what comes from a secret."""
        container = self.pod["containers"][0]
        found: dict[str, str | None] = {}
        for source in container.get("envFrom", []):
            name = source["configMapRef"]["name"]
            found.update(next(m["data"] for m in objects if m["kind"] == "ConfigMap" and m["metadata"]["name"] == name))
        found.update({one["name"]: one.get("value") for one in container.get("env", [])})
        return found


def workloads(objects: tuple[Object, ...]) -> Iterator[Workload]:
    for one in objects:
        if one["kind"] in _TEMPLATES:
            template = one
            for step in _TEMPLATES[one["kind"]]:
                template = template[step]
            labels = template["metadata"]["labels"]
            yield Workload(one["kind"], one["metadata"]["name"], labels, template["spec"], one)


def references(value: Any) -> Iterator[tuple[str, str, str | None]]:
    """(kind, name, key) of every ConfigMap and Secret that a pod or object refers to, wherever it does."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key in ("configMapKeyRef", "secretKeyRef"):
            yield ("ConfigMap" if key.startswith("config") else "Secret"), inner["name"], inner["key"]
        elif key in ("configMapRef", "secretRef"):
            yield ("ConfigMap" if key.startswith("config") else "Secret"), inner["name"], None
        elif key in ("secret", "configMap") and isinstance(inner, dict) and ("name" in inner or "secretName" in inner):
            kind = "Secret" if key == "secret" else "ConfigMap"
            items = inner.get("items", [{"key": inner.get("key")}])
            for item in items:
                yield kind, inner.get("name") or inner["secretName"], item["key"]
        else:
            yield from references(inner)
