"""Settings of each process: small, frozen, read once from the environment (``FRESHET_…``) by its main."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Profile = Literal["low-latency", "durable"]


class KafkaSettings(BaseSettings):
    """Where the broker is. ``extra`` goes to librdkafka as it is (SASL, TLS)."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_KAFKA_", frozen=True)

    bootstrap: str = Field("127.0.0.1:9092", description="host:port, comma separated")
    extra: dict[str, str] = Field(default_factory=dict, description="JSON object of further librdkafka properties")


class SearchSettings(BaseSettings):
    """The search API's own."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_SEARCH_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(7700, ge=0, le=65535)
    api_key: SecretStr | None = Field(None, description="when set, every request needs it in X-API-Key")
    max_k: int = Field(100, ge=1, le=1000)
