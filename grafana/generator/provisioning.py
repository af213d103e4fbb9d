"""How a Grafana in a container finds Prometheus and the dashboards."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

from grafana.generator.rules import MARK

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


def to_yaml(content: Any) -> str:
    text = io.StringIO()
    writer = YAML()
    writer.width = 110
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(content, text)
    return MARK + text.getvalue()
