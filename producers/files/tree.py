"""Which files below the root differ from what was published."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from typing import Final

from producers.files.extraction import extractor
from producers.files.ignore import IgnoreRules
from producers.files.root import Root
from producers.files.stamp import Stamp, is_file, is_folder
from producers.files.state import FileState, FileStates

_log: Final = logging.getLogger(__name__)

UNREADABLE: Final = "unreadable"
"""Reason of a file that cannot be opened: its old content stays, and it is tried again at each scan."""


class Tree:
    """Reads names and stamps, never contents. Links are not followed: what they point to inside the root has a path
    of its own, and what lies outside is not of this root.
    """

    def __init__(self, root: Root, rules: IgnoreRules, states: FileStates) -> None:
        self.root = root
        self.rules = rules
        self._states = states

    def absolute(self, path: str) -> str:
        return os.path.join(self.root.path, path)

    def relative(self, absolute: str) -> str | None:
        """Path below the root with the links on its way resolved; empty for the root itself, None outside of it."""
        root = str(self.root.path)
        if absolute == root:
            return ""
        parent, name = os.path.split(absolute)
        parent = os.path.realpath(parent)
        if parent == root:
            return name
        return f"{parent[len(root) + 1 :]}/{name}" if parent.startswith(root + "/") else None

    def look(self, path: str) -> os.stat_result:
        """lstat of a path; FileNotFoundError also where a folder on the way has become a link."""
        absolute = self.absolute(path)
        parent = os.path.dirname(absolute)
        if os.path.realpath(parent) != parent:
            raise FileNotFoundError(errno.ENOENT, "there is a link on the way", absolute)
        return os.lstat(absolute)

    def wants(self, path: str, status: os.stat_result) -> bool:
        """Whether this is a regular file of a kind that holds text and no rule excludes."""
        return is_file(status) and extractor(path.rpartition("/")[2]) is not None and not self.rules.ignores(path)

    def knows(self, path: str) -> bool:
        """Whether anything was ever said of this path."""
        return self._states.get(path) is not None

    def files(self, folder: str = "") -> Iterator[tuple[str, os.stat_result]]:
        """Every wanted file below ``folder``. Raises UnavailableError when the root is gone; a folder inside that
        cannot be read is reported and passed over.
        """
        waiting = [folder]
        while waiting:
            parent = waiting.pop()
            for path, status in self._entries(parent):
                if is_folder(status):
                    if not self.rules.ignores_entry(path, folder=True):
                        waiting.append(path)
                elif (
                    is_file(status)
                    and extractor(path.rpartition("/")[2]) is not None
                    and not self.rules.ignores_entry(path)
                ):
                    yield path, status

    def vanished(self, folder: str = "") -> Iterator[str]:
        """Published paths where there is no wanted file any more; one that cannot be looked at is not among them."""
        for path in self._states.present(folder):
            try:
                if not self.wants(path, self.look(path)):
                    yield path
            except (FileNotFoundError, NotADirectoryError):
                yield path
            except OSError as error:
                _log.warning("cannot look at %r: %s; its document stays", path, error)

    def differs(self, path: str, status: os.stat_result) -> bool:
        """Whether the file may hold something else than what the broker has."""
        return not is_current(self._states.get(path), Stamp.of(status))

    def _entries(self, parent: str) -> Iterator[tuple[str, os.stat_result]]:
        try:
            with os.scandir(self.absolute(parent)) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue  # gone since it was listed, or shown by vanished()
                    yield (f"{parent}/{entry.name}" if parent else entry.name), status
        except OSError as error:
            self.root.require()
            if not isinstance(error, FileNotFoundError):
                _log.warning("cannot read folder %r: %s; what is indexed of it stays", parent, error)


def is_current(state: FileState | None, stamp: Stamp) -> bool:
    return state is not None and state.settled and state.stamp == stamp and state.reason != UNREADABLE
