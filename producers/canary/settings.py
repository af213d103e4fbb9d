"""Settings of the canary, from ``FRESHET_CANARY_…``."""

from __future__ import annotations

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from freshet.process_settings import ProcessSettings


class CanarySettings(ProcessSettings):
    """One process is one canary, with one document."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_CANARY_", populate_by_name=True)

    url: str = Field("http://127.0.0.1:7700", description="of the search API that is asked")
    api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("FRESHET_CANARY_API_KEY", "FRESHET_SEARCH_API_KEY"),
        description="its API key; without it that of FRESHET_SEARCH_API_KEY",
    )
    name: str = Field(
        "canary", pattern=r"^[A-Za-z0-9._-]{1,64}$", description="of the document; several canaries need one each"
    )
    every_s: float = Field(5.0, gt=0, description="from one publication to the next")
    timeout_s: float = Field(30.0, gt=0, description="not found within this time, it counts as lost")
    metrics_port: int | None = Field(None, ge=0, le=65535, description="of the Prometheus endpoint")
    metrics_host: str = Field("127.0.0.1", description="address of that endpoint; 0.0.0.0 is every one of the machine")
