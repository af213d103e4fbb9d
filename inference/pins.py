"""Refuses a model whose files are not the ones that were named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from freshet.embedding.packaged import file_sha256
from freshet.errors import UsageError

_REMEDY = "Fetch the model again, or change the setting if the new files are meant"


def check_files(folder: Path, expected: Mapping[str, str]) -> None:
    """Before the loading. Raises UsageError for a file that is missing or has another sha256; blocks for reading."""
    for name, digest in expected.items():
        path = folder / name
        if not path.is_file():
            raise UsageError(f"The model has no file {name}", f"looked in {folder}", _REMEDY)
        found = file_sha256(path)
        if found != digest.lower():
            raise UsageError(f"{path} is not the pinned file", f"its sha256 is {found}, {digest} is pinned", _REMEDY)


def check_revision(found: str, expected: str | None) -> None:
    """Raises UsageError where another revision is pinned."""
    if expected is not None and found != expected:
        raise UsageError("The model's revision is not the pinned one", f"it is {found}, {expected} is pinned", _REMEDY)
