"""The embedded store: Qdrant's engine in this process, on a folder that only this process may open."""

from freshet.store.edge.store import EdgeStore

__all__ = ["EdgeStore"]
