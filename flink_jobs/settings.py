"""The job's settings: read by the client at submission, carried into the cluster with the job."""

from __future__ import annotations

import tempfile
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
    cache_path: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()) / "freshet-vectors.sqlite",
        description="file of the vectors by content, on the worker's own disk; losing it costs only work",
    )
    cache_bytes: int = Field(1 << 30, ge=1 << 20)
    metrics_port: int | None = Field(None, description="of the Prometheus endpoint in the Python worker")
    metrics_host: str = Field("127.0.0.1", description="address of that endpoint; 0.0.0.0 is every one of the machine")
