"""Where vectors live: one protocol, an embedded engine and a server."""

from freshet.store.protocol import ChunkPoint, CollectionInfo, Filter, Head, Hit, Progress, StoreStats, VectorStore
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
