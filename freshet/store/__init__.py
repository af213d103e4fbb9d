"""Where vectors live: one protocol, an embedded engine and a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freshet.store.protocol import (
        ChunkPoint,
        CollectionInfo,
        Filter,
        Head,
        Hit,
        Progress,
        StoreStats,
        VectorStore,
    )
    from freshet.store.settings import StoreSettings, open_store

__all__ = [
    "ChunkPoint",
    "CollectionInfo",
    "Filter",
    "Head",
    "Hit",
    "Progress",
    "StoreSettings",
    "StoreStats",
    "VectorStore",
    "open_store",
]


def __getattr__(name: str) -> object:
    # the engine's processes import this package and must start at once
    if name in __all__:
        from freshet.store import protocol, settings

        return getattr(settings if name in ("StoreSettings", "open_store") else protocol, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
