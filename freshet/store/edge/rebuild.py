"""A partition's next generation, built by a child process while writes and searches go on.

    under the lock    begin the journal, and flush no more
    a child           copies the files, replays the copy's log, optimizes the copy, ends
    another           loads the copy and replays the journal
    under the lock    replay the rest of it; then serve from the copy, and write to both
    here              sync the copy's log, point CURRENT at it
    under the lock    stop writing to the old generation; then kill its process and remove its files

Between two flushes the engine only adds to its files, so the copy holds the state of the last flush and the log of what
came after, with or without some of the changes that the journal has; the journal, replayed in order, leads from any of
these to the same state. A crash before CURRENT moves leaves the old generation, which has every write; one after it the
new, which has them too. A process of the old generation that is started again meanwhile may change its files in any
way, so that build is dropped.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from freshet.errors import FreshetError, UnavailableError
from freshet.store.edge import build
from freshet.store.edge.checkpoints import FLUSH_AFTER
from freshet.store.edge.client import gather
from freshet.store.edge.failures import engine_errors
from freshet.store.edge.folder import disk_bytes
from freshet.store.edge.generation import Change, Generation
from freshet.store.edge.partition import Partition
from freshet.store.edge.turns import Turns
from freshet.store.settings import StoreSettings

_log = logging.getLogger(__name__)

_SLICE = 100
"""Points replayed at once: some 5 to 10 ms."""


class Rebuild:
    """One rebuild of one partition. ``run`` blocks for the whole build; ``cancel`` ends it from another thread."""

    def __init__(self, partition: Partition, lock: Turns, dimension: int, settings: StoreSettings) -> None:
        self._partition = partition
        self._lock = lock
        self._settings = settings
        self._dimension = dimension
        self._child: subprocess.Popen[str] | None = None
        self._cancelled = False

    def run(self) -> bool:
        """True when the partition serves from the new generation; False when cancelled or the journal overflowed."""
        partition = self._partition
        target = partition.generations.next()
        try:
            with engine_errors("cannot build the store's index"):
                self._check_space()
                with self._lock:
                    partition.begin()
                    source, starts = partition.serving, partition.serving.starts
                self._build(source.folder, target)
                return self._replace(target, starts)
        finally:
            with self._lock:
                partition.abandon()
            partition.generations.sweep()

    def cancel(self) -> None:
        self._cancelled = True
        child = self._child
        if child is not None and child.stdin is not None:
            child.stdin.close()

    def _build(self, source: Path, target: Path) -> None:
        settings = self._settings
        numbers = self._dimension, settings.m, settings.ef_construct, settings.index_patience_s
        command = [sys.executable, "-m", build.__name__, str(source), str(target), *map(str, numbers)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
            self._child = child
            if self._cancelled:
                self.cancel()
            assert child.stdout is not None
            assert child.stderr is not None
            lines = []
            for line in child.stdout:
                lines.append(line.strip())
                with self._lock:
                    self._partition.may_flush = True
            complaint = child.stderr.read().strip()
            self._child = None
        if lines[-1:] != ["built"] and not self._cancelled:
            raise UnavailableError("the process that builds the store's index failed", complaint[-300:])

    def _replace(self, target: Path, starts: int) -> bool:
        partition = self._partition
        if self._cancelled or partition.journal is None:
            return False
        fresh = partition.load(target)
        served = False
        try:
            fresh.ready()
            served = self._catch_up(fresh, starts)
        finally:
            if not served:
                fresh.kill()
        if not served:
            return False
        try:
            fresh.sync()
            partition.generations.choose(target)
        finally:
            with self._lock:
                old = partition.settle(chosen=target == partition.generations.current())
            old.kill()
        return True

    def _catch_up(self, fresh: Generation, starts: int) -> bool:
        """Replay the journal and serve from the fresh generation; False where the build is to be dropped.

        Beside the writers as long as it gains on them; else, and the last of it, while they wait.
        """
        done, before = 0, sys.maxsize
        while True:
            journal = self._partition.journal
            if journal is None or self._cancelled:
                return False
            left = len(journal) - done
            changes = _first(journal, done)
            if len(changes) < left < before:
                self._replay(fresh, changes)
                done += len(changes)
            else:
                with self._lock:
                    journal = self._partition.journal
                    if journal is None or self._partition.serving.starts != starts:
                        return False
                    changes = _first(journal, done)
                    self._replay(fresh, changes)
                    done += len(changes)
                    if done == len(journal):
                        self._partition.serve(fresh)
                        return True
            before = left

    def _replay(self, fresh: Generation, changes: list[Change]) -> None:
        gather([fresh.send(change) for change in changes])
        fresh.checkpoint(FLUSH_AFTER)

    def _check_space(self) -> None:
        folder = self._partition.serving.folder
        needed = 2 * disk_bytes(folder)
        free = shutil.disk_usage(folder).free - self._settings.disk_reserve
        if free < needed:
            raise UnavailableError("no room to build the store's index", f"{needed} bytes needed, {free} free")


def due(total: int, indexed: int, deleted: int, settings: StoreSettings) -> bool:
    """Whether a generation with so many vectors is to be followed by another.

    ``index_after`` new ones, and the ratio of all. Of deleted ones as many, but in a small partition as many as live in
    it, or a quarter of ``index_after``, do: each takes some 5 kB of memory until then, and such a build is short.
    """
    share = settings.index_ratio * total
    enough = min(settings.index_after, max(settings.index_after // 4, total))
    return total - indexed >= max(settings.index_after, share) or deleted >= max(enough, share, 1)


def _first(journal: list[Change], start: int) -> list[Change]:
    """Of the changes from ``start`` on the first ones, with about ``_SLICE`` points."""
    end, points = start, 0
    while end < len(journal) and points < _SLICE:
        points += journal[end].points
        end += 1
    return journal[start:end]


class Indexer:
    """The thread that starts a rebuild when enough vectors are new or deleted. It mostly waits."""

    def __init__(self, partitions: list[Partition], lock: Turns, dimension: int, settings: StoreSettings) -> None:
        self._partitions = partitions
        self._lock = lock
        self._dimension = dimension
        self._settings = settings
        self._stop = threading.Event()
        self._running: Rebuild | None = None
        self._thread = threading.Thread(target=self._loop, name="freshet-store-index", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End a build that runs and return when the thread has ended. Must not be called under the lock."""
        self._stop.set()
        running = self._running
        if running is not None:
            running.cancel()
        if self._thread.ident is not None:
            self._thread.join()

    def _loop(self) -> None:
        while not self._stop.wait(self._settings.index_poll_s):
            for partition in self._partitions:
                try:
                    due = self._due(partition)
                except FreshetError as error:
                    _log.warning("%s", error)
                    continue
                if due:
                    self._rebuild(partition)
                    # Removing the old files and copying the next ones at once would stall whoever writes.
                    if self._stop.wait(self._settings.index_poll_s):
                        return

    def _due(self, partition: Partition) -> bool:
        with self._lock, engine_errors("cannot count"):
            total, indexed = partition.serving.counts().answer()
            return due(total, indexed, partition.serving.deleted, self._settings)

    def _rebuild(self, partition: Partition) -> None:
        self._running = Rebuild(partition, self._lock, self._dimension, self._settings)
        if self._stop.is_set():
            return
        started = time.monotonic()
        try:
            done = self._running.run()
            _log.info("index build %s after %.1f s", "done" if done else "dropped", time.monotonic() - started)
        except FreshetError as error:
            # Searches stay right without it, only slower; the next look tries again.
            _log.warning("%s", error)
            self._stop.wait(30 * self._settings.index_poll_s)
        finally:
            self._running = None
