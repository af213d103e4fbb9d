"""Settings of each process: small, frozen, read once from the environment (``FRESHET_…``) by its main."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from freshet.embedding.settings import PACKAGED_MODEL, ModelSettings, Precision, default_cache_dir
from freshet.process_settings import ProcessSettings

Profile = Literal["low-latency", "durable"]


class KafkaSettings(ProcessSettings):
    """Where the broker is, and how a client proves who it is."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_KAFKA_")

    bootstrap: str = Field("127.0.0.1:9092", description="host:port, comma separated")
    protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = Field(
        "plaintext", description="ssl is TLS; sasl_… is with a user's name and password"
    )
    ca: Path | None = Field(
        None, description="PEM file of the authorities that sign the brokers' certificates; unset: the system's"
    )
    certificate: Path | None = Field(None, description="PEM file of this client's certificate, where brokers ask")
    key: Path | None = Field(None, description="PEM file of its private key: PKCS #8, without a password")
    mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    username: str | None = Field(None, description="for sasl_…")
    password_file: Path | None = Field(None, description="file with the password alone, for sasl_…")
    extra: dict[str, str] = Field(default_factory=dict, description="JSON object of further librdkafka properties")
    java_extra: dict[str, str] = Field(
        default_factory=dict, description="JSON object of further properties of Flink's Java clients"
    )

    @model_validator(mode="after")
    def _fits_the_protocol(self) -> KafkaSettings:
        tls, user = self.protocol in ("ssl", "sasl_ssl"), self.protocol.startswith("sasl")
        if (self.ca or self.certificate or self.key) and not tls:
            raise ValueError("a certificate is for FRESHET_KAFKA_PROTOCOL=ssl or sasl_ssl")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("FRESHET_KAFKA_CERTIFICATE and FRESHET_KAFKA_KEY go together")
        if user != (self.username is not None and self.password_file is not None):
            raise ValueError("FRESHET_KAFKA_USERNAME and …_PASSWORD_FILE go with FRESHET_KAFKA_PROTOCOL=sasl_…")
        return self


class HostSettings(ProcessSettings):
    """The host process's own."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_HOST_")

    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="of the Prometheus endpoint; the service search has one already at /metrics"
    )
    metrics_host: str = Field("127.0.0.1", description="address of that endpoint; 0.0.0.0 is every one of the machine")


class SearchSettings(ProcessSettings):
    """The search API's own."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_SEARCH_")

    host: str = "127.0.0.1"
    port: int = Field(7700, ge=0, le=65535)
    api_key: SecretStr | None = Field(None, description="when set, searches, documents and status need it in X-API-Key")
    max_k: int = Field(100, ge=1, le=1000)
    max_streams: int = Field(
        200, ge=0, description="live pages open at once; each holds a connection, so mind the limit on open files"
    )
    consumers: tuple[str, ...] = Field(
        (),
        description="JSON list of the metrics' addresses of consumers elsewhere, for the live page's batches",
    )
    flink_url: str | None = Field(
        None, description="Flink's REST address: the live page then shows how far behind the job is at this moment"
    )


class ModelEnvironment(ProcessSettings):
    """The environment's view of ``ModelSettings``."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_MODEL_", protected_namespaces=())

    name: str = Field(PACKAGED_MODEL, description="packaged model, local folder, or name on the Hugging Face hub")
    precision: Precision = "int8"
    cache: Path = Field(default_factory=default_cache_dir, description="where built models are kept")
    threads: int = Field(1, ge=1, description="inside one computation")


def model_settings() -> ModelSettings:
    """From ``FRESHET_MODEL_…``."""
    found = ModelEnvironment()
    return ModelSettings(found.name, found.precision, found.cache, found.threads)
