"""The monitor's settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from freshet.process_settings import ProcessSettings


class MonitorSettings(ProcessSettings):
    """Environment: ``FRESHET_MONITOR_…``."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_MONITOR_")

    metrics_port: int = Field(9464, ge=0, le=65535, description="of the Prometheus endpoint")
    metrics_host: str = Field("127.0.0.1", description="address of that endpoint; 0.0.0.0 is every one of the machine")
    seconds: float = Field(5.0, gt=0, description="between two looks")
    state: Path | None = Field(None, description="state folder of a local stack, whose processes are watched too")
