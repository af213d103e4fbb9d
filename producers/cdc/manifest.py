"""The connector as Strimzi's KafkaConnector, from the same source as the one that runs on a laptop."""

from __future__ import annotations

import json
from typing import Any

import yaml

from producers.cdc.capture import Capture
from producers.cdc.connector import connector_config


def manifest(capture: Capture, cluster: str, namespace: str, secret: str = "") -> dict[str, Any]:
    """A ``kafka.strimzi.io/v1`` KafkaConnector for the KafkaConnect named ``cluster``.

    The password is a reference to the key ``password`` of a Secret, resolved by the worker's ``secrets`` provider
    (io.strimzi.kafka.KubernetesSecretConfigProvider).
    """
    config = connector_config(capture, _reference(capture, namespace, secret))
    plugin = config.pop("connector.class")
    tasks = int(config.pop("tasks.max"))
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaConnector",
        "metadata": {
            "name": capture.connector_name,
            "namespace": namespace,
            "labels": {"strimzi.io/cluster": cluster},
        },
        "spec": {"class": plugin, "tasksMax": tasks, "autoRestart": {"enabled": True}, "config": config},
    }


def secret_name(capture: Capture) -> str:
    """Of the Secret with its password and its definition."""
    return f"freshet-cdc-{capture.name}".replace("_", "-")


def properties_json(capture: Capture, namespace: str, secret: str = "") -> str:
    """The body of ``PUT /connectors/NAME/config``, with the same reference."""
    return json.dumps(connector_config(capture, _reference(capture, namespace, secret)), indent=2)


def _reference(capture: Capture, namespace: str, secret: str) -> str:
    return f"${{secrets:{namespace}/{secret or secret_name(capture)}:password}}"


def manifest_yaml(capture: Capture, cluster: str, namespace: str, secret: str = "") -> str:
    return str(yaml.safe_dump(manifest(capture, cluster, namespace, secret), sort_keys=False, allow_unicode=True))
