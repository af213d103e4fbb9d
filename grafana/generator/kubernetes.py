"""The same dashboards and rules as objects for Kubernetes."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from grafana.generator.provisioning import to_yaml


def kubernetes_files(dashboards: dict[str, str], rules: dict[str, str], namespace: str) -> dict[str, str]:
    """Contents by file name: a ConfigMap per dashboard for Grafana's sidecar, a PrometheusRule per file of rules."""
    files: dict[str, str] = {}
    for name, text in dashboards.items():
        title = name.removesuffix(".json")
        files[f"dashboard-{title}.yaml"] = to_yaml(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": _named(f"freshet-dashboard-{title}", namespace, {"grafana_dashboard": "1"}),
                "data": {name: LiteralScalarString(text)},
            }
        )
    for name, text in rules.items():
        title = name.removesuffix(".yaml")
        files[f"rules-{title}.yaml"] = to_yaml(
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PrometheusRule",
                "metadata": _named(f"freshet-{title}", namespace, {}),
                "spec": YAML(typ="safe").load(text),
            }
        )
    return files


def _named(name: str, namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "freshet", **labels}}
