"""A temporary folder for what runs as several users."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """Everybody may enter it, unlike pytest's: as root, PostgreSQL runs as somebody else. Removed at the end."""
    made = Path(tempfile.mkdtemp(prefix=f"freshet-{name}-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
