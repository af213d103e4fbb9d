"""One partition of the chunk points: the generation that serves, and what a change of generation needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

from freshet.store.edge.client import Pending, gather
from freshet.store.edge.folder import Generations
from freshet.store.edge.generation import Change, Generation
from freshet.store.settings import StoreSettings


class Partition:
    """Calls must not overlap: the caller holds the store's lock, except where ``freshet.store.edge.rebuild`` says so.

    ``serving`` answers searches. While its generation is not yet the one that CURRENT names, ``fallback`` is, and
    every change goes to both: so a crash at any moment leaves a good generation with every acknowledged write.
    """

    def __init__(self, root: Path, settings: StoreSettings, starter: Executor, creation: Sequence[str] = ()) -> None:
        """Start to load, or to create with these arguments for the process; ``ready`` waits for it."""
        self.generations = Generations(root)
        self._starter = starter
        if creation:
            root.mkdir()
            folder = self.generations.next()
        else:
            folder = self.generations.current()
            self.generations.sweep()
        self.serving = Generation(starter, folder, creation)
        self.fallback: Generation | None = None
        self.journal: list[Change] | None = None
        """What was changed since a build began, while one runs."""
        self.journalled = 0
        self.may_flush = True
        """False while the files are being copied: between two flushes the engine only adds to them."""
        self._journal_limit = settings.journal_limit

    @property
    def folder(self) -> Path:
        return self.serving.folder

    @property
    def unflushed(self) -> int:
        return self.serving.unflushed

    def ready(self) -> None:
        """Block until it is loaded or created. Raises UsageError where the files are damaged."""
        self.serving.ready()
        if not self.generations.chosen:
            self.generations.choose(self.serving.folder)

    def load(self, folder: Path) -> Generation:
        """Start a process for another generation. Needs no lock."""
        return Generation(self._starter, folder)

    def send(self, change: Change) -> list[Pending[int]]:
        """Send it to every generation that must have it."""
        if self.journal is not None:
            # Before it is applied: should a process die of it, the next generation has it as the log may have.
            self.journal.append(change)
            self.journalled += change.points
            if self.journalled > self._journal_limit:
                self.journal = None
        return [shard.send(change) for shard in self.shards]

    def checkpoint(self, after: int) -> None:
        if self.may_flush:
            self.serving.checkpoint(after)

    def revive(self) -> None:
        for shard in self.shards:
            shard.revive()

    def sync(self) -> None:
        """Make every change durable. Needs no lock; blocks for a sync of the log's files."""
        for shard in self.shards:
            try:
                shard.sync()
            except FileNotFoundError:
                # A swap has put its successor in its place, which it synced before that.
                if shard in self.shards:
                    raise

    def begin(self) -> None:
        """Keep every change from here on, and flush no more: what is in the log, the copy has there too."""
        self.journal, self.journalled = [], 0
        self.may_flush = False

    def serve(self, fresh: Generation) -> None:
        """Search in the fresh generation and write to both."""
        self.fallback, self.serving = self.serving, fresh
        self.journal = None

    def settle(self, chosen: bool) -> Generation:
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

    @property
    def shards(self) -> list[Generation]:
        return [shard for shard in (self.fallback, self.serving) if shard is not None]


def apply(changes: Mapping[int, Change], partitions: Sequence[Partition]) -> None:
    """Have each partition, by its number, make its change, all at once. Returns when all have. Under the lock."""
    asked: list[Pending[int]] = []
    try:
        for place, change in changes.items():
            asked += partitions[place].send(change)
    finally:
        gather(asked)
