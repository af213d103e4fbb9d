"""The job's settings: read by the client at submission, carried into the cluster with the job."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from freshet.process_settings import ProcessSettings

Embedding = Literal["in-process", "ml-predict"]


class JobSettings(ProcessSettings):
    """Environment: ``FRESHET_JOB_…``."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_JOB_")

    parallelism: int = Field(1, ge=1, description="subtasks; more than the partitions of documents stay idle")
    checkpoint_ms: int = Field(2000, ge=100, description="offsets are committed this often; a crash replays that much")
    execution_mode: Literal["thread", "process"] = "thread"
    embedding: Embedding = Field(
        "in-process", description="where the model runs: in the job, or behind Flink's ML_PREDICT on a server"
    )
    endpoint: str = Field("http://127.0.0.1:7710/v1/embeddings", description="ml-predict: the server's address")
    api_key: SecretStr | None = Field(None, description="ml-predict: sent as Authorization: Bearer …")
    model_name: str | None = Field(
        None, description="ml-predict: what requests call the model; unset: its name@revision, as serve-model knows it"
    )
    retries: int = Field(
        8, ge=0, le=20, description="ml-predict: after 429, 5xx or a broken connection, some 35 s in all; then dead"
    )
    concurrency: int = Field(8, ge=1, description="ml-predict: requests on their way at once, for each subtask")
    context_messages: int = Field(
        0, ge=0, le=20, description="embed each message with so many before it of its metadata.thread; 0: none"
    )
    context_minutes: int = Field(60, ge=1, description="a conversation silent for so long is forgotten")
    encoding: Literal["msgpack", "json"] = Field("msgpack", description="of the values on vector-embeddings")
    cache_path: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()) / "freshet-vectors.sqlite",
        description="file of the vectors by content, on the worker's own disk; losing it costs only work",
    )
    cache_bytes: int = Field(1 << 30, ge=1 << 20)
    metrics_port: int | None = Field(None, description="of the Prometheus endpoint in the Python worker")
    metrics_host: str = Field("127.0.0.1", description="address of that endpoint; 0.0.0.0 is every one of the machine")

    def key(self) -> str:
        """The API key; the provider insists on one, whatever the server does."""
        return self.api_key.get_secret_value() if self.api_key else "none"
