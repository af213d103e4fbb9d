"""Making files survive a power loss. Everything here lets other threads run while the disk works."""

from __future__ import annotations

import os
from pathlib import Path


def sync_log(folder: Path) -> None:
    """Return when the shard's log would survive a power loss, whichever process has written it."""
    log = folder / "wal"
    for name in os.listdir(log):
        try:
            handle = os.open(log / name, os.O_RDONLY)
        except FileNotFoundError:
            continue  # the engine has renamed or cut it; what it held is in the files that remain
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    sync_path(log)


def sync_files(folder: Path) -> None:
    """Write out all of the shard's files: a flush right after has little to do."""
    for entry in folder.iterdir():
        if entry.is_dir():
            sync_files(entry)
        else:
            sync_path(entry)


def sync_path(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(file: Path, text: str) -> None:
    """Write durably and all at once: a reader, or a process after a crash, sees the old text or the new."""
    unfinished = file.with_name(file.name + ".new")
    with unfinished.open("w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    unfinished.rename(file)
    sync_path(file.parent)
