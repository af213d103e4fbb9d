"""The embedded store: Qdrant's engine in processes of its own, on a folder that only this store may open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freshet.store.edge.store import EdgeStore

__all__ = ["EdgeStore"]


def __getattr__(name: str) -> object:
    # the engine's processes import this package and must start at once
    if name in __all__:
        from freshet.store.edge.store import EdgeStore

        return EdgeStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
