"""The connector as Strimzi's KafkaConnector, from the same source as the one that runs on a laptop."""

from __future__ import annotations

from typing import Any

import yaml

from producers.cdc.capture import Capture
from producers.cdc.connector import connector_config


def manifest(capture: Capture, cluster: str, namespace: str, secret: str = "") -> dict[str, Any]:
    """A ``kafka.strimzi.io/v1`` KafkaConnector for the KafkaConnect named ``cluster``.

    The password is a reference to the key ``password`` of a Secret, resolved by the worker's ``secrets`` provider
    (io.strimzi.kafka.KubernetesSecretConfigProvider).
    """
    reference = f"${{secrets:{namespace}/{secret or f'freshet-cdc-{capture.name}'}:password}}"
    config = connector_config(capture, reference)
    plugin = config.pop("connector.class")
    tasks = int(config.pop("tasks.max"))
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaConnector",
        "metadata": {
            "name": capture.connector_name.replace("_", "-"),
            "namespace": namespace,
            "labels": {"strimzi.io/cluster": cluster},
        },
        "spec": {"class": plugin, "tasksMax": tasks, "autoRestart": {"enabled": True}, "config": config},
    }


def manifest_yaml(capture: Capture, cluster: str, namespace: str, secret: str = "") -> str:
    return str(yaml.safe_dump(manifest(capture, cluster, namespace, secret), sort_keys=False, allow_unicode=True))
