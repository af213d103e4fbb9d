"""Writes what of these manifests follows from other sources: ``python k8s/generate.py [--check]``.

Prometheus' rules from ``grafana/alerts``; the connector, and the secret with what is captured, from
``components/postgres/shop.yaml``. ``--check`` writes nothing and exits with 1 where a file differs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

K8S = Path(__file__).resolve().parent
MARK = "# Written by k8s/generate.py from {}: change it there.\n"
NAMESPACE = "freshet"
CONNECT = "freshet"
CAPTURE = K8S / "components" / "postgres" / "shop.yaml"
ALERTS = K8S.parent / "grafana" / "alerts"
STORE = "vault"
"""The SecretStore from which the database's password comes."""


def main() -> int:
    # Run as a script, it would find the folder of the manifests first.
    sys.path[0] = str(K8S.parent)
    differing = 0
    for path, text in pages().items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        differing += 1
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
        sys.stdout.write(f"{'differs' if '--check' in sys.argv else 'wrote'}: {path}\n")
    return 1 if differing and "--check" in sys.argv else 0


def pages() -> dict[Path, str]:
    """What each file should hold."""
    from producers.cdc.capture import read_capture
    from producers.cdc.manifest import manifest

    capture = read_capture(CAPTURE)
    captured = CAPTURE.relative_to(K8S.parent).as_posix()
    return {
        K8S / "base" / "monitoring" / "rules.yaml": MARK.format("grafana/alerts") + _yaml(*rules()),
        K8S / "base" / "kafka" / "connect" / "connectors.yaml": MARK.format(captured)
        + _yaml(manifest(capture, CONNECT, NAMESPACE)),
        CAPTURE.with_name("secret.yaml"): MARK.format(captured) + _yaml(secret(capture.name)),
    }


def rules() -> list[dict[str, Any]]:
    """A PrometheusRule for each file of alerts."""
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"freshet-{path.stem}"},
            "spec": yaml.safe_load(path.read_text("utf-8")),
        }
        for path in sorted(ALERTS.glob("*.yaml"))
    ]


def secret(name: str) -> dict[str, Any]:
    """The password alone for Debezium, and with what is captured for the producer."""
    capture = yaml.safe_load(CAPTURE.read_text("utf-8"))
    # Braces mean something to External Secrets too: a column's would be looked up among the secrets.
    escaped = _yaml(capture).replace("{{", '{{ "{{" }}') + "password: {{ .password | quote }}\n"
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": f"freshet-cdc-{name}"},
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": STORE},
            "target": {
                "name": f"freshet-cdc-{name}",
                "template": {"data": {"password": "{{ .password }}", f"{name}.yaml": escaped}},
            },
            "data": [
                {"secretKey": "password", "remoteRef": {"key": f"freshet/postgres/{name}", "property": "password"}}
            ],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _yaml(*documents: dict[str, Any]) -> str:
    texts = (yaml.dump(one, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120) for one in documents)
    return "---\n".join(texts)


if __name__ == "__main__":
    sys.exit(main())
