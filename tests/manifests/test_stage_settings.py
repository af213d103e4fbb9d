"""A default that is right on one machine is not left in place on a cluster."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from consumers.settings import ConsumerSettings
from flink_jobs.settings import JobSettings
from freshet.monitor.settings import MonitorSettings
from freshet.settings import HostSettings, KafkaSettings, ModelEnvironment, SearchSettings
from freshet.store import StoreSettings
from inference.settings import InferenceSettings
from producers.canary.settings import CanarySettings
from producers.cdc.settings import CdcSettings
from producers.files.settings import FilesSettings
from tests.manifests.overlays import Object, overlay
from tests.manifests.workloads import Workload, workloads

READ: dict[str, tuple[type[BaseSettings], ...]] = {
    "producer-files": (KafkaSettings, FilesSettings),
    "producer-cdc": (KafkaSettings, CdcSettings),
    "canary": (KafkaSettings, CanarySettings),
    "vector-ingestion-job": (KafkaSettings, JobSettings, ModelEnvironment),
    "inference": (InferenceSettings, ModelEnvironment),
    "consumers": (KafkaSettings, HostSettings, StoreSettings, ConsumerSettings, ModelEnvironment),
    "search": (KafkaSettings, StoreSettings, SearchSettings, ModelEnvironment),
    "monitor": (KafkaSettings, MonitorSettings),
    "operator": (KafkaSettings, StoreSettings, ModelEnvironment),
    "qdrant-collection": (StoreSettings, ModelEnvironment),
    "qdrant-snapshots": (StoreSettings, ModelEnvironment),
}
"""What each process reads, by its pod."""
SAID = {
    "FRESHET_STORE_URL",
    "FRESHET_STORE_CA",
    "FRESHET_KAFKA_PROTOCOL",
    "FRESHET_KAFKA_CA",
    "FRESHET_KAFKA_CERTIFICATE",
    "FRESHET_KAFKA_KEY",
    "FRESHET_SEARCH_CONSUMERS",
    "FRESHET_SEARCH_FLINK_URL",
    "FRESHET_INFERENCE_CACHE",
}
"""Unset on one machine, where the store is embedded, one process holds two stages, and nobody else listens."""
OF_ANOTHER_KIND = {
    "FRESHET_STORE_PATH": "the embedded store's",
    "FRESHET_MONITOR_STATE": "a local stack's",
    "FRESHET_MODEL_CACHE": "the image has the model, and says where",
}


def must_be_said(name: str, field: FieldInfo) -> bool:
    """Whether the default holds on one machine alone: its loopback, its folders, no keys, no metrics."""
    if name in OF_ANOTHER_KIND:
        return False
    if name in SAID or name.endswith(("_API_KEY", "_METRICS_PORT")) or field.is_required():
        return True
    default = field.get_default(call_default_factory=True)
    return "127.0.0.1" in str(default) or isinstance(default, Path)


def left_out(pod: Workload, objects: tuple[Object, ...]) -> list[str]:
    said = pod.environment(objects)
    served_model = said.get("FRESHET_JOB_EMBEDDING") == "ml-predict"
    return [
        name
        for settings in READ[pod.name]
        for field, what in settings.model_fields.items()
        if must_be_said(name := f"{settings.model_config.get('env_prefix', '')}{field}".upper(), what)
        and name not in said
        and (served_model or name not in ("FRESHET_JOB_ENDPOINT", "FRESHET_JOB_API_KEY"))
    ]


def ours(objects: tuple[Object, ...]) -> list[Workload]:
    return [pod for pod in workloads(objects) if pod.name != "qdrant"]


def test_every_setting_that_matters_on_a_cluster_is_said(objects: tuple[Object, ...]) -> None:
    assert {pod.name: absent for pod in ours(objects) if (absent := left_out(pod, objects))} == {}


def test_every_process_is_known(every_object: tuple[Object, ...]) -> None:
    assert {pod.name for pod in ours(every_object)} == set(READ)


@pytest.mark.parametrize("name", ["FRESHET_SEARCH_FLINK_URL", "FRESHET_SEARCH_HOST", "FRESHET_SEARCH_API_KEY"])
def test_a_setting_that_is_left_out_is_seen(name: str) -> None:
    objects = copy.deepcopy(overlay("production"))
    (pod,) = [one for one in workloads(objects) if one.name == "search"]
    environment = pod.pod["containers"][0]["env"]
    environment.remove(next(one for one in environment if one["name"] == name))
    assert left_out(pod, objects) == [name]
