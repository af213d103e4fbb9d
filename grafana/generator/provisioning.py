"""How a Grafana in a container finds Prometheus and the dashboards."""

from __future__ import annotations

from grafana.generator.yaml_file import to_yaml

PROMETHEUS_URL = "$PROMETHEUS_URL"
"""Grafana takes it from its environment."""
DASHBOARD_FOLDER = "/var/lib/grafana/dashboards/freshet"
"""Where grafana/dashboards is mounted."""


def provisioning_files() -> dict[str, str]:
    """Contents by path, for grafana/provisioning/, which is mounted at /etc/grafana/provisioning."""
    source = {
        "name": "Freshet",
        "uid": "freshet-prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": PROMETHEUS_URL,
        "isDefault": True,
        "jsonData": {"timeInterval": "5s", "httpMethod": "POST"},
    }
    provider = {
        "name": "freshet",
        "folder": "Freshet",
        "type": "file",
        "allowUiUpdates": False,
        "options": {"path": DASHBOARD_FOLDER},
    }
    return {
        "datasources/freshet.yaml": to_yaml({"apiVersion": 1, "datasources": [source]}),
        "dashboards/freshet.yaml": to_yaml({"apiVersion": 1, "providers": [provider]}),
    }
