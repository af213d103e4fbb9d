"""One partition of the chunk points: the generation that serves, and what a change of generation needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from qdrant_edge import Point

from freshet.store.edge.chunks import ChunkShard
from freshet.store.edge.folder import Generations
from freshet.store.settings import StoreSettings


class Change(NamedTuple):
    """One applied write. Changes replayed in order, from any state since the first of them, end in the same state."""

    upserts: Sequence[Point] = ()
    deletes: Sequence[str] = ()

    def apply(self, shard: ChunkShard) -> None:
        if self.upserts:
            shard.upsert(self.upserts)
        if self.deletes:
            shard.delete(self.deletes)


class Partition:
    """Calls must not overlap: the caller holds the store's lock, except where ``freshet.store.edge.rebuild`` says so.

    ``serving`` answers searches. While its generation is not yet the one that CURRENT names, ``fallback`` is, and
    every change goes to both: so a crash at any moment leaves a good generation with every acknowledged write.
    """

    def __init__(self, root: Path, settings: StoreSettings) -> None:
        self.generations = Generations(root)
        folder = self.generations.current()
        self.generations.sweep()
        self.serving = ChunkShard(folder)
        self.fallback: ChunkShard | None = None
        self.journal: list[Change] | None = None
        """What was changed since a build began, while one runs."""
        self.journalled = 0
        self.deleted = 0
        """Points deleted since the last build: they still take space and time in the graph."""
        self.may_flush = True
        """False while the files are being copied: between two flushes the engine only adds to them."""
        self._journal_limit = settings.journal_limit

    @property
    def folder(self) -> Path:
        return self.serving.folder

    @property
    def unflushed(self) -> int:
        return self.serving.unflushed

    @staticmethod
    def create(root: Path, dimension: int, settings: StoreSettings) -> None:
        root.mkdir()
        generations = Generations(root)
        first = generations.next()
        ChunkShard.create(first, dimension, settings)
        generations.choose(first)

    def upsert(self, points: Sequence[Point]) -> None:
        self._apply(Change(upserts=points))

    def sweep(self, below: Mapping[str, int]) -> None:
        """Delete the named documents' chunks of a version below the given one."""
        old = self.serving.below(below)
        if old:
            self._apply(Change(deletes=old))
            self.deleted += len(old)

    def checkpoint(self, after: int) -> None:
        if self.may_flush:
            self.serving.checkpoint(after)

    def sync(self) -> None:
        """Make every change durable. Needs no lock; blocks for a sync of the log's files."""
        for shard in self._shards():
            try:
                shard.sync()
            except FileNotFoundError:
                # A swap has put its successor in its place, which it synced before that.
                if shard in self._shards():
                    raise

    def begin(self) -> None:
        """Keep every change from here on, and flush no more: what is in the log, the copy has there too."""
        self.journal, self.journalled = [], 0
        self.may_flush = False

    def serve(self, fresh: ChunkShard) -> None:
        """Search in the fresh generation and write to both."""
        self.fallback, self.serving = self.serving, fresh
        self.deleted = sum(len(change.deletes) for change in self.journal or ())
        self.journal = None

    def settle(self, chosen: bool) -> ChunkShard:
        """After CURRENT has moved (or failed to): go on with the generation it names, and give back the other."""
        assert self.fallback is not None
        dropped = self.fallback
        if not chosen:
            dropped, self.serving = self.serving, dropped
        self.fallback = None
        return dropped

    def abandon(self) -> None:
        """Whatever became of the build, keep no journal."""
        self.journal, self.may_flush = None, True

    def close(self) -> None:
        for shard in self._shards():
            shard.close()

    def _shards(self) -> list[ChunkShard]:
        return [shard for shard in (self.fallback, self.serving) if shard is not None]

    def _apply(self, change: Change) -> None:
        if self.fallback is not None:
            change.apply(self.fallback)
        change.apply(self.serving)
        if self.journal is None:
            return
        self.journal.append(change)
        self.journalled += len(change.upserts) + len(change.deletes)
        if self.journalled > self._journal_limit:
            self.journal = None
