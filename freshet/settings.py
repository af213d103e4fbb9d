"""Settings of each process: small, frozen, read once from the environment (``FRESHET_…``) by its main."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from freshet.embedding.settings import PACKAGED_MODEL, ModelSettings, Precision, default_cache_dir

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
    api_key: SecretStr | None = Field(None, description="when set, searches, documents and status need it in X-API-Key")
    max_k: int = Field(100, ge=1, le=1000)


class ModelEnvironment(BaseSettings):
    """The environment's view of ``ModelSettings``."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_MODEL_", frozen=True, protected_namespaces=())

    name: str = Field(PACKAGED_MODEL, description="packaged model, local folder, or name on the Hugging Face hub")
    precision: Precision = "int8"
    cache: Path = Field(default_factory=default_cache_dir, description="where built models are kept")
    threads: int = Field(1, ge=1, description="inside one computation")


def model_settings() -> ModelSettings:
    """From ``FRESHET_MODEL_…``."""
    found = ModelEnvironment()
    return ModelSettings(found.name, found.precision, found.cache, found.threads)
