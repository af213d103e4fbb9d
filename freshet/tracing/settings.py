"""Whether changes are traced, and where to."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from freshet.process_settings import ProcessSettings


class TracingSettings(ProcessSettings):
    """Who publishes decides which changes are traced; the process that writes them to the store sends the spans.

    OpenTelemetry's own variables for the exporter hold as well: headers, certificates, compression.
    """

    model_config = SettingsConfigDict(env_prefix="FRESHET_TRACING_")

    endpoint: str | None = Field(
        None, description="of an OTLP collector over HTTP, for example http://127.0.0.1:4318; unset: no spans are sent"
    )
    sample: float = Field(0.01, ge=0, le=1, description="share of the changes published here that are traced")
