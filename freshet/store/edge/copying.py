"""Copies of the engine's folders, whose files are mostly holes."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

_BLOCK = 1 << 20


def copy_folder(source: Path, target: Path) -> None:
    """Copy the tree, leaving holes as holes. ``target`` must not exist."""
    target.mkdir()
    for entry in source.iterdir():
        if entry.is_dir():
            copy_folder(entry, target / entry.name)
        elif hasattr(os, "SEEK_DATA"):
            _copy_sparse(entry, target / entry.name)
        else:
            shutil.copyfile(entry, target / entry.name)


def _copy_sparse(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        size = os.fstat(reader.fileno()).st_size
        os.truncate(writer.fileno(), size)
        end = 0
        while end < size:
            try:
                start = os.lseek(reader.fileno(), end, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return  # only a hole is left
                raise
            end = os.lseek(reader.fileno(), start, os.SEEK_HOLE)
            _copy_range(reader.fileno(), writer.fileno(), start, end)


def _copy_range(reader: int, writer: int, start: int, end: int) -> None:
    while start < end:
        data = os.pread(reader, min(_BLOCK, end - start), start)
        if not data:
            return
        start += os.pwrite(writer, data, start)
