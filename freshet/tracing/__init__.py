"""A trace of each sampled change: its context travels in the headers, its spans are made from the stamps."""

from freshet.tracing.settings import TracingSettings

__all__ = ["TracingSettings"]
