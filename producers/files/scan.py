"""Compares the whole tree with what was published: at the start, and now and then for events that were lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from freshet.errors import UnavailableError, UsageError
from producers.files.root import Root
from producers.files.state import FileStates
from producers.files.tree import Tree

_ROOT_PATH: Final = "root"
_ROOT_IDENTITY: Final = "root-identity"


def require_same_root(root: Root, states: FileStates) -> None:
    """Raise rather than take every file for deleted.

    UsageError where the state is another folder's. UnavailableError where the folder is empty and another one than
    last time: that is what a missing mount looks like.
    """
    known_path, known_identity = states.fact(_ROOT_PATH), states.fact(_ROOT_IDENTITY)
    if any(states.present()):
        if known_path not in (None, str(root.path)):
            raise UsageError(
                f"the state is that of {known_path}, not of {root.path}",
                "",
                "give each watched folder its own FRESHET_FILES_STATE",
            )
        if known_identity != root.identity and root.is_empty():
            raise UnavailableError(
                f"the watched folder {root.path} is empty and not the one that was indexed",
                "is a mount missing?",
                "mount it; or, if everything is to be deleted, put any file in it",
            )
    states.set_fact(_ROOT_PATH, str(root.path))
    states.set_fact(_ROOT_IDENTITY, root.identity)


class Scan:
    """Runs on the thread that calls ``run``."""

    def __init__(self, tree: Tree, found: Callable[[str], None], stop: threading.Event, *, every_s: float) -> None:
        """``found`` takes each path that differs and may be called again for one that it has."""
        self._tree = tree
        self._found = found
        self._stop = stop
        self._every_s = every_s
        self._wanted = threading.Event()
        self.scanned = 0
        self.completed = 0

    def request(self) -> None:
        """Have the tree compared soon."""
        self._wanted.set()

    def run(self) -> None:
        """Scan now, at each request and every ``every_s`` until stopped. Raises UnavailableError: the root is gone."""
        while not self._stop.is_set():
            self._wanted.clear()
            self.scan()
            self._wanted.wait(self._every_s)

    def scan(self) -> None:
        self._tree.root.require()
        scanned = 0
        for path, status in self._tree.files():
            if self._stop.is_set():
                return
            scanned += 1
            self.scanned = max(self.scanned, scanned)
            if self._tree.differs(path, status):
                self._found(path)
        for path in self._tree.vanished():
            if self._stop.is_set():
                return
            self._found(path)
        self.scanned = scanned
        self.completed += 1
