"""The thread that cuts the shards' logs now and then, so that a start after a crash has little to replay.

A flush is some 40 syncs, which take 16 ms on a quiet machine and 200 ms on a busy one, and its shard answers nothing
meanwhile. So it is rare; what can be written out before is; and it happens beside the writers, not in a write. The same
thread notices a shard whose process has died while nobody called it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from freshet.errors import FreshetError
from freshet.store.edge.durable import sync_files
from freshet.store.edge.failures import engine_errors
from freshet.store.edge.turns import Turns

_log = logging.getLogger(__name__)

FLUSH_AFTER = 20_000
"""Changes of a shard: about a second of replay and 50 MB of log."""
FLUSH_IN_WRITE = 2 * FLUSH_AFTER
"""Changes after which a writer that outran this thread flushes by itself."""
_LOOK_S = 1.0


class Flushable(Protocol):
    """What of a store is flushed at once. Used under the store's lock."""

    @property
    def folder(self) -> Path: ...

    @property
    def unflushed(self) -> int:
        """Changes since the last flush."""
        ...

    def checkpoint(self, after: int) -> None:
        """Flush if there are so many, and unless the files are being copied."""
        ...

    def revive(self) -> None:
        """Start again what has died. Raises UnavailableError where it is not yet time for that."""
        ...


class Checkpoints:
    """Runs from ``start`` to ``stop``. It mostly waits."""

    def __init__(self, shards: Sequence[Flushable], lock: Turns) -> None:
        self._shards = shards
        self._lock = lock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="freshet-store-flush", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return when the thread has ended. Must not be called under the lock."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _loop(self) -> None:
        while not self._stop.wait(_LOOK_S):
            for shard in self._shards:
                try:
                    self._flush(shard)
                except FreshetError as error:
                    # Nothing is lost: the log has it all.
                    _log.warning("%s", error)

    def _flush(self, shard: Flushable) -> None:
        with self._lock, engine_errors("cannot start an engine of the store"):
            shard.revive()
            if shard.unflushed < FLUSH_AFTER:
                return
            folder = shard.folder
        with engine_errors("cannot flush the store"):
            try:
                sync_files(folder)
            except FileNotFoundError:
                return  # a swap has removed it; its successor is looked at next time
            with self._lock:
                shard.checkpoint(FLUSH_AFTER)
