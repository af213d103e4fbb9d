"""One consistent read of one file: its hash, its text, and the proof that it did not change meanwhile."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from producers.files.quiet import LARGE_BYTES
from producers.files.stamp import Stamp, is_file

_BLOCK: Final = 1 << 20
# a FIFO put in the file's place must not block, a link must not lead elsewhere
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class ChangedWhileRead(Exception):
    """The file is not what it was when it was opened: read it again."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An open file, or a small one's bytes. ``content`` is the hash of its bytes."""

    path: str
    stamp: Stamp
    content: bytes
    file: BinaryIO

    def checked(self, pieces: Iterator[str]) -> Iterator[str]:
        """The same pieces; raises ChangedWhileRead after the last one if the file has changed on the way.

        The publisher sends a text's last part only once the pieces have ended, so such a version stays incomplete.
        """
        yield from pieces
        require_unchanged(self.path, self.stamp)


@contextmanager
def read(path: str, *, even_if_changing: bool = False) -> Iterator[Reading]:
    """Open, hash and compare. Raises ChangedWhileRead, and OSError as the system says it.

    Up to 4 MB are read once, into memory. A larger file is read twice, for the hash and for the text.
    """
    descriptor = os.open(path, _FLAGS)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not is_file(status):
            raise ChangedWhileRead
        stamp = Stamp.of(status)
        digest = hashlib.blake2b(digest_size=16)
        source: BinaryIO = file
        if stamp.size <= LARGE_BYTES:
            raw = file.read()
            digest.update(raw)
            source = io.BytesIO(raw)
        else:
            while block := file.read(_BLOCK):
                digest.update(block)
            file.seek(0)
        if not even_if_changing:
            require_unchanged(path, stamp)
        yield Reading(path, stamp, digest.digest(), source)


def require_unchanged(path: str, stamp: Stamp) -> None:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ChangedWhileRead from error
    if not is_file(status) or Stamp.of(status) != stamp:
        raise ChangedWhileRead
