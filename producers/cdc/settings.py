"""Settings of the CDC producer, from ``FRESHET_CDC_…``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from freshet.process_settings import ProcessSettings
from freshet.settings import Profile


class CdcSettings(ProcessSettings):
    """One process serves all captures of a folder. Times are in seconds."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_CDC_")

    captures: Path = Field(Path(".freshet/cdc/captures"), description="folder of the captures' YAML files")
    state: Path = Field(Path(".freshet/cdc"), description="folder of what has been read so far")
    connect_url: str = Field("http://127.0.0.1:8083", description="Kafka Connect's REST interface")
    search_url: str = Field("http://127.0.0.1:7700", description="the search API: paces first reads, lists documents")
    api_key: SecretStr | None = Field(None, description="of the search API")
    profile: Profile = "low-latency"
    timeout_s: float = Field(60.0, gt=0, description="without a delivery report for this long, the process starts anew")
    max_in_flight: int = Field(2000, ge=1, description="changes that may wait for their delivery report at once")
    manage: bool = Field(
        True, description="register connectors and start failed ones again; not where an operator does, such as Strimzi"
    )
    monitor_s: float = Field(5.0, gt=0, description="how often connectors and slots are looked at")
    known: int = Field(100_000, ge=0, description="documents whose content is remembered, to pass over empty changes")
    metrics_port: int | None = Field(None, ge=0, le=65535, description="of the Prometheus endpoint")
    metrics_host: str = Field("127.0.0.1", description="address of that endpoint; 0.0.0.0 is every one of the machine")
