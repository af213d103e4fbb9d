"""The consumer's settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from consumers.policies import MAX_LIMIT
from freshet.process_settings import ProcessSettings


class ConsumerSettings(ProcessSettings):
    """Environment: ``FRESHET_CONSUMER_…``."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_CONSUMER_")

    policy: Literal["seed", "seed+1", "aimd", "gradient", "deadline"] = Field(
        "deadline", description="what sets the batch limit; compared in docs/results/policies.md"
    )
    initial_limit: int = Field(50, ge=1, le=MAX_LIMIT, description="records in the first batches")
    linger_seconds: float = Field(
        0.005, ge=0, description="least time between the starts of two batches, unless the limit cut the first short"
    )
    adapt_seconds: float = Field(1.0, gt=0, description="how often the policy is asked")
    window_seconds: float = Field(10.0, gt=0, description="of the latencies that P99 is taken over")
    commit_seconds: float = Field(1.0, gt=0, description="how often the store is flushed and offsets are committed")
    retry_seconds: float = Field(5.0, gt=0, description="longest pause between tries while the store is down")
