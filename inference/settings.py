"""The inference server's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from freshet.process_settings import ProcessSettings


class InferenceSettings(ProcessSettings):
    """Environment: ``FRESHET_INFERENCE_…``."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_INFERENCE_")

    host: str = "127.0.0.1"
    port: int = Field(7710, ge=0, le=65535)
    api_key: SecretStr | None = Field(None, description="when set, /v1 needs it as Authorization: Bearer …")
    aliases: list[str] = Field(default_factory=list, description="further names that clients may call the model by")

    instances: int = Field(0, ge=0, description="texts computed at the same time; 0 is one for each core")
    pin: bool = Field(False, description="keep each instance on a core of its own (Linux)")
    batch_tokens: int = Field(64, ge=1, description="an instance takes texts of so many tokens at once, or one text")

    max_body_bytes: int = Field(4 << 20, ge=1_024)
    body_seconds: float = Field(10.0, gt=0, description="how long a request's body may take to arrive")
    max_items: int = Field(2_048, ge=1, description="texts in one request")
    max_text_bytes: int = Field(32_768, ge=1, description="of one text; far beyond what a model takes")
    max_request_tokens: int = Field(300_000, ge=1, description="of all texts of a request together")
    default_timeout: float = Field(30.0, gt=0, description="seconds a request has where its header names none")
    max_waiting_tokens: int = Field(100_000, ge=1, description="in the queue, for each of the two lanes")
    query_share: float = Field(0.8, gt=0, lt=1, description="of the tokens computed while both lanes wait")
    default_lane: Literal["query", "ingest"] = Field("ingest", description="of a request that names none")

    cache: Path | None = Field(None, description="file of the vectors by content; unset: none is kept")
    cache_bytes: int = Field(1 << 30, ge=1 << 20)

    revision: str | None = Field(None, description="the only one to start with; it covers every file of the model")
    files: dict[str, str] = Field(
        default_factory=dict, description="JSON object, file in the model's folder to its sha256; another: no start"
    )

    reduction: Literal["pca", "cut", "none"] = Field(
        "pca", description="what `dimensions` does: project, cut (for Matryoshka models only), or refuse"
    )
    projections: Path | None = Field(None, description="folder of fitted projections; unset: those in the package")

    probe_seconds: float = Field(300.0, gt=0, description="how often the probe texts are embedded again")
    probe_cosine: float = Field(0.98, gt=0, le=1, description="below this to its reference, a probe counts as drift")
    references: Path | None = Field(None, description="folder of the probes' references; unset: beside the model")
    drain_seconds: float = Field(20.0, gt=0, description="for what was accepted, once told to stop")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
