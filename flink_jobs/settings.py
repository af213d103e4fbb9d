"""The job's settings: read by the client at submission, carried into the cluster with the job."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class JobSettings(BaseSettings):
    """Environment: ``FRESHET_JOB_…``."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_JOB_", frozen=True)

    parallelism: int = Field(1, ge=1, description="subtasks; more than the partitions of documents stay idle")
    checkpoint_ms: int = Field(2000, ge=100, description="offsets are committed this often; a crash replays that much")
    execution_mode: Literal["thread", "process"] = "thread"
    encoding: Literal["msgpack", "json"] = Field("msgpack", description="of the values on vector-embeddings")
    cache_path: Path | None = Field(
        None, description="file of the vector cache; none: unchanged text is embedded again"
    )
    cache_bytes: int = Field(1 << 30, ge=1 << 20)
    metrics_port: int | None = Field(None, description="of the Prometheus endpoint in the Python worker")
