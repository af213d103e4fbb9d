"""Where vectors live: one protocol, an embedded engine and a server."""

from freshet.store.protocol import ChunkPoint, CollectionInfo, Filter, Head, Hit, Progress, StoreStats, VectorStore

__all__ = ["ChunkPoint", "CollectionInfo", "Filter", "Head", "Hit", "Progress", "StoreStats", "VectorStore"]
