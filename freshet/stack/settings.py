"""Settings of the local stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

DEFAULT_SEARCH_PORT = 7700
EmbeddingRoute = Literal["in-process", "ml-predict"]
"""Where the job's model runs: in the job itself, or on an inference server, which is then one more process."""
StoreKind = Literal["edge", "qdrant"]
"""``edge`` is embedded in the one process of consumer and search; ``qdrant`` is a server, and they are two."""


@dataclass(frozen=True, slots=True)
class StackSettings:
    """``state`` holds everything that outlives a run. Ports left None are the usual one if free, else any."""

    state: Path
    watch: Path | None = None
    search_port: int = DEFAULT_SEARCH_PORT
    kafka_port: int | None = None
    flink_port: int | None = None
    rebuild: bool = False
    """Empty the store first, then fill it again from the topics and the watched folder."""
    cache: Path = field(default_factory=lambda: Path.home() / ".cache" / "freshet")
    """Downloads shared by all state folders of this user."""
    environment: tuple[tuple[str, str], ...] = ()
    """Further settings for the stages, for example FRESHET_CONSUMER_POLICY."""
    store: StoreKind = "edge"
    """A ``qdrant`` server is started (``freshet.stack.qdrant.qdrant_binary``), unless FRESHET_STORE_URL names one."""
    embedding: EmbeddingRoute = "in-process"
    """With ``ml-predict`` a server is started, unless FRESHET_JOB_ENDPOINT names one."""
    brokers: int = 1
    """Three survive the loss of one."""
    prometheus: bool = False
    """Prometheus, the monitor and Flink's reporters run too. Flink's listen on every address of the machine."""
    scrape_seconds: int = 5
    """How often Prometheus asks, and how often it evaluates rules."""
    rules: Path | None = None
    """Folder of Prometheus' rules; without it Freshet's own."""
    canary: bool = False
    """A probe that publishes and searches every few seconds runs too."""
    postgres: bool = False
    """A PostgreSQL with a sample schema runs too, and its changes are captured."""
    postgres_url: str = ""
    """Of a database that somebody else runs, whose changes are captured."""
    postgres_port: int | None = None
    capture: bool = False
    """Kafka Connect and the CDC producer run also without either, for captures that are added later."""
    kafka_proxy_port: int | None = None
    """Of a TCP proxy in front of the (first) broker's second listener, which is opened for it."""

    @property
    def archives(self) -> Path:
        """Where JVMs keep the classes that they loaded, for the next start of any stack."""
        return self.cache / "classes"
