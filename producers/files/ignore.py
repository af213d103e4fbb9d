"""What of the tree is left alone: built-in patterns, the settings' own, and each folder's ignore files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pathspec import GitIgnoreSpec

IGNORE_FILES: Final = (".gitignore", ".freshetignore")

_BUILT_IN: Final = (
    ".*",  # hidden files and folders: .git, .venv, .freshet, editors' swap and lock files
    "node_modules/",
    "__pycache__/",
    "venv/",
    "*.egg-info/",
    "*~",
    "#*#",
    "~$*",
    "4913",  # vim asks with it whether the folder is writable
    "*.swp",
    "*.tmp",
    "*.part",
    "*.crdownload",
)


class IgnoreRules:
    """Git's rules: the last pattern that fits decides, deeper folders before outer ones, and an ignored folder hides
    all that is in it. ``!pattern`` in an ignore file brings back what the built-in patterns leave out.

    Ignore files are read once per folder until ``forget``. Safe to share between threads.
    """

    def __init__(self, root: Path, exclude: Iterable[str] = ()) -> None:
        self._root = root
        self._base = GitIgnoreSpec.from_lines([*_BUILT_IN, *exclude])
        self._by_folder: dict[str, GitIgnoreSpec | None] = {}

    def ignores(self, path: str, *, folder: bool = False) -> bool:
        """Whether ``path`` (relative, with slashes) or any folder above it is excluded."""
        steps = path.split("/")
        return any(self.ignores_entry("/".join(steps[:at]), folder=True) for at in range(1, len(steps))) or (
            self.ignores_entry(path, folder=folder)
        )

    def ignores_entry(self, path: str, *, folder: bool = False) -> bool:
        """The same for one whose parent folders are known not to be excluded."""
        suffix = "/" if folder else ""
        parent = path
        while parent:
            parent = parent.rpartition("/")[0]
            spec = self._spec(parent)
            if spec is not None:
                below = path[len(parent) + 1 :] if parent else path
                verdict = spec.check_file(below + suffix).include
                if verdict is not None:
                    return verdict
        return bool(self._base.check_file(path + suffix).include)

    def forget(self) -> None:
        """Read the ignore files anew, after one of them has changed."""
        self._by_folder = {}

    def _spec(self, folder: str) -> GitIgnoreSpec | None:
        known = self._by_folder
        if folder not in known:
            lines = [line for name in IGNORE_FILES for line in self._lines(folder, name)]
            known[folder] = GitIgnoreSpec.from_lines(lines) if lines else None
        return known[folder]

    def _lines(self, folder: str, name: str) -> list[str]:
        try:
            with open(os.path.join(self._root, folder, name), encoding="utf-8", errors="replace") as file:
                return file.read(1 << 20).splitlines()
        except OSError:
            return []
