"""What tells one state of a file from another without reading it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """``size`` in bytes, ``mtime_ns`` since the epoch."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


def is_file(status: os.stat_result) -> bool:
    """Whether it holds content: no folder, link, FIFO, socket or device."""
    return stat.S_ISREG(status.st_mode)


def is_folder(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode)
