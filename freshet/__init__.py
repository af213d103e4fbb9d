"""Freshet keeps a vector index fresh. ``freshet.publish`` and ``freshet.delete`` send a change from any program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freshet.publishing import delete, publish

__all__ = ["delete", "publish"]


def __getattr__(name: str) -> object:
    # every stage imports this package, and few of them need Kafka's client
    if name in __all__:
        from freshet import publishing

        return getattr(publishing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
