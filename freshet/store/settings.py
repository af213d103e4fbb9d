"""Where the vectors live and how their graph is built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from freshet.process_settings import ProcessSettings

if TYPE_CHECKING:
    from freshet.store.protocol import VectorStore


class StoreSettings(ProcessSettings):
    """Without ``url`` the store is embedded and owns the folder ``path``; with it, a Qdrant server is used."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_STORE_", env_parse_none_str="null")

    url: str | None = Field(
        default=None, description="of a Qdrant server, for example http://qdrant:6333; unset: embedded"
    )
    api_key: SecretStr | None = Field(default=None, description="sent to the server only")
    grpc_port: int | None = Field(default=6334, description="the server's gRPC port; null: speak HTTP to url")
    collection: str = Field(default="freshet", min_length=1, description="on the server")
    timeout_s: float = Field(default=5.0, gt=0, description="of one call to the server")
    ca: Path | None = Field(
        default=None, description="PEM file of the authority behind an https url; unset: the system's"
    )
    replicas: int = Field(default=1, ge=1, description="copies of each point on a server's peers, when created")
    shards: int | None = Field(default=None, ge=1, description="of a new collection; unset: one for each peer")
    path: Path = Field(default=Path(".freshet/store"), description="the embedded store's folder")

    m: int = Field(default=16, ge=2, description="HNSW edges per node")
    ef_construct: int = Field(default=128, ge=4, description="HNSW candidates while building")
    ef: int = Field(default=128, ge=4, description="HNSW candidates while searching")
    partitions: int = Field(
        default=2, ge=1, le=64, description="embedded, fixed when created: each is searched by a process of its own"
    )
    index_after: int = Field(
        default=10_000, ge=1, description="embedded: new vectors in a partition that start a build…"
    )
    index_ratio: float = Field(
        default=0.33,
        gt=0,
        le=1,
        description="…and at least this share of its vectors; of deleted ones fewer do in a small partition",
    )
    index_poll_s: float = Field(default=0.5, gt=0, description="embedded: how often that is looked at")
    index_in_background: bool = Field(default=True, description="embedded: off leaves every vector unindexed")
    index_patience_s: float = Field(
        default=120.0,
        ge=0,
        description="embedded: a build stands still while others need the processors, so long in all",
    )
    journal_limit: int = Field(
        default=100_000, ge=1, description="embedded: changes kept during a build before it is dropped"
    )
    disk_reserve: int = Field(
        default=64 * 2**20, ge=0, description="embedded: bytes left free; below that no write is taken"
    )


def open_store(settings: StoreSettings) -> VectorStore:
    """The store that the settings name, not yet opened: call ``open`` with the model's identity."""
    if settings.url is None:
        from freshet.store.edge import EdgeStore

        return EdgeStore(settings)
    from freshet.store.server import ServerStore

    return ServerStore(settings)
