"""The kernel's news of the tree, as paths to look at."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from freshet.errors import UnavailableError, UsageError
from producers.files.ignore import IGNORE_FILES
from producers.files.stamp import is_folder
from producers.files.tree import Tree

_log: Final = logging.getLogger(__name__)

STEP_MS: Final = 4
"""News are handed over after one step without more of them. Each step is a wake-up: 4 ms cost 0.8 % of a core."""
_GROUP_MS: Final = 20
_IDLE_MS: Final = 1000
_LOOK_AGAIN_S: Final = (0.05, 0.5)
_REOPEN_S: Final = 0.5


class Watch:
    """Runs on the thread that calls ``run``; ``Watch()`` returns when every folder is being watched.

    ``watchfiles.watch`` would hide that moment, which is why its documented backend is used.
    """

    def __init__(
        self,
        tree: Tree,
        changed: Callable[[str], None],
        rescan: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """``changed`` takes each path, ``rescan`` is asked for when news were lost or rules have changed."""
        self._tree = tree
        self._changed = changed
        self._rescan = rescan
        self._stop = stop
        self._look_again: list[tuple[float, str]] = []
        self._notify = self._open()

    def run(self) -> None:
        """Until stopped. Raises UnavailableError when the root is gone."""
        while not self._stop.is_set():
            idle_ms = 20 if self._look_again else _IDLE_MS
            try:
                news = self._notify.watch(_GROUP_MS, STEP_MS, idle_ms, self._stop)
            except WatchfilesRustInternalError as error:
                # it repeats this error for ever, for example after a name that is not UTF-8
                self._reopen(error)
                continue
            if isinstance(news, str):
                self._tree.root.require()
            else:
                for _, absolute in news:
                    # the kernel's watch follows links and may name a folder by the link to it
                    if (path := self._tree.relative(absolute)) is not None:
                        self._take(path)
            self._look()
        self._notify.close()

    def _take(self, path: str) -> None:
        if not path:
            self._tree.root.require()
            return
        if path.rpartition("/")[2] in IGNORE_FILES:
            self._tree.rules.forget()
            self._rescan()
        try:
            status = os.lstat(self._tree.absolute(path))
        except OSError:
            status = None
        if self._tree.knows(path) or (status is not None and self._tree.wants(path, status)):
            self._changed(path)
        # a folder that went, or was replaced, has no news for the files in it
        for below in self._tree.vanished(path):
            self._changed(below)
        if status is not None and is_folder(status) and not self._tree.rules.ignores(path, folder=True):
            self._tree.rules.forget()  # it may have come with an ignore file
            self._enter(path)
            # what is written before the kernel watches a new folder makes no news
            self._look_again += [(time.monotonic() + delay, path) for delay in _LOOK_AGAIN_S]

    def _enter(self, folder: str) -> None:
        for path, status in self._tree.files(folder):
            if self._tree.differs(path, status):
                self._changed(path)

    def _look(self) -> None:
        now = time.monotonic()
        due = {folder for moment, folder in self._look_again if moment <= now}
        if due:
            self._look_again = [later for later in self._look_again if later[0] > now]
            for folder in due:
                self._enter(folder)

    def _reopen(self, error: Exception) -> None:
        _log.warning("watching anew: %s", error)
        before, self._notify = self._notify, self._open()
        before.close()
        self._stop.wait(_REOPEN_S)
        self._rescan()

    def _open(self) -> RustNotify:
        root = self._tree.root
        try:
            return RustNotify([str(root.path)], False, False, 0, True, True)
        except FileNotFoundError as error:
            raise UnavailableError(f"the watched folder {root.path} is gone", str(error)) from error
        except (OSError, WatchfilesRustInternalError) as error:
            root.require()
            raise UsageError(
                f"cannot watch {root.path}",
                str(error),
                "raise fs.inotify.max_user_watches or set FRESHET_FILES_POLLING=true",
            ) from error
