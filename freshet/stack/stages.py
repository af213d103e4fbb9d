"""Freshet's own stages as processes of the local stack, and what each is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from freshet.errors import UsageError
from freshet.settings import KafkaSettings
from freshet.stack.flink import FlinkHome
from freshet.stack.inference import ENDPOINT, InferenceServer
from freshet.stack.lag import members
from freshet.stack.observers import MetricsPorts
from freshet.stack.python_process import PythonProcess
from freshet.stack.qdrant import BINARY_VARIABLE, QdrantServer, qdrant_binary
from freshet.stack.settings import StackSettings

REPUBLISH = "FRESHET_FILES_REPUBLISH"
STORE_URL = "FRESHET_STORE_URL"

Log = Callable[[str], Path]
"""Where the process of this name writes its log."""


class Stages:
    """``environment`` is what all of them are told; what ``settings`` adds for them comes last."""

    def __init__(
        self,
        settings: StackSettings,
        state: Path,
        log: Log,
        bootstrap: str,
        flink: FlinkHome,
        ports: MetricsPorts,
        qdrant: QdrantServer | None,
        inference: InferenceServer | None,
    ) -> None:
        self._settings = settings
        self._bootstrap = bootstrap
        self._search_url = f"http://127.0.0.1:{settings.search_port}"
        self.environment = self._environment(state, flink, ports, qdrant, inference)
        self.hosts = self._hosts(log, ports)
        self.files = PythonProcess("files", log("files"), "producers.files", (), self.environment)
        self.canary = PythonProcess("canary", log("canary"), "producers.canary", (), self.environment)

    def _environment(
        self,
        state: Path,
        flink: FlinkHome,
        ports: MetricsPorts,
        qdrant: QdrantServer | None,
        inference: InferenceServer | None,
    ) -> Mapping[str, str]:
        settings = self._settings
        told = {
            "FRESHET_KAFKA_BOOTSTRAP": self._bootstrap,
            "FRESHET_STORE_PATH": str(state / "store"),
            "FRESHET_SEARCH_PORT": str(settings.search_port),
            "FRESHET_SEARCH_FLINK_URL": flink.url,
            "FRESHET_CANARY_URL": self._search_url,
            "FRESHET_JOB_CACHE_PATH": str(state / "vectors.sqlite"),
            **ports.environment(),
            "FRESHET_FILES_STATE": str(state / "files"),
            **_model_cache(settings),
        }
        if qdrant is not None:
            told[STORE_URL] = qdrant.url
            told["FRESHET_STORE_GRPC_PORT"] = str(qdrant.grpc_port)
        told["FRESHET_JOB_EMBEDDING"] = settings.embedding
        if inference is not None:
            told[ENDPOINT] = inference.endpoint
        if settings.watch:
            told["FRESHET_FILES_ROOT"] = str(settings.watch.resolve())
        if settings.rebuild:
            told[REPUBLISH] = "true"
        return {**told, **dict(settings.environment)}

    def _hosts(self, log: Log, ports: MetricsPorts) -> tuple[PythonProcess, ...]:
        """The embedded store has one owner, so that all share a process; a server has any number."""
        told = self.environment
        services: dict[str, tuple[str, ...]]
        if self._settings.store == "edge" and _told(self._settings, STORE_URL) is None:
            services = {"serve": ("consumer", "search")}
        else:
            services = {"consumer": ("consumer",), "search": ("search",)}
            told = {**told, "FRESHET_SEARCH_CONSUMERS": f'["http://127.0.0.1:{ports.consumer}/metrics"]'}
        return tuple(
            PythonProcess(
                name,
                log(name),
                "freshet.host",
                served,
                told if "search" in served else {**told, **ports.host_environment()},
                self._search_ready if "search" in served else self._consumer_ready,
            )
            for name, served in services.items()
        )

    def _consumer_ready(self) -> bool:
        return members(KafkaSettings(bootstrap=self._bootstrap)) > 0

    def _search_ready(self) -> bool:
        try:
            return httpx.get(f"{self._search_url}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False


def wanted_inference(settings: StackSettings, log: Log) -> InferenceServer | None:
    """None where the model is in the job, or somebody else runs its server."""
    if settings.embedding == "in-process" or _told(settings, ENDPOINT) is not None:
        return None
    return InferenceServer(log("inference"), {**_model_cache(settings), **dict(settings.environment)})


def wanted_qdrant(settings: StackSettings, folder: Path, log: Log) -> QdrantServer | None:
    """None where the store is embedded, or somebody else runs its server. Raises UsageError where there is none."""
    if settings.store == "edge" or _told(settings, STORE_URL) is not None:
        return None
    if (binary := qdrant_binary()) is None:
        raise UsageError(
            "there is no Qdrant server to start",
            f"neither {BINARY_VARIABLE} nor the PATH names one, and {STORE_URL} names none that runs",
            "set one of the two, or leave out the store's setting for the embedded store",
        )
    return QdrantServer(binary, folder, log("qdrant"))


def _told(settings: StackSettings, name: str) -> str | None:
    """What the stages find in their environment, before the stack adds its own."""
    return dict(settings.environment).get(name) or os.environ.get(name)


def _model_cache(settings: StackSettings) -> dict[str, str]:
    return {"FRESHET_MODEL_CACHE": os.environ.get("FRESHET_MODEL_CACHE", str(settings.cache / "models"))}
