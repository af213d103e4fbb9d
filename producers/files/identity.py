"""The document id of a file: ``file:`` and its path below the root."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Final

from freshet.ids import MAX_ID_BYTES

PREFIX: Final = "file:"

_LOOKS_ESCAPED: Final = re.compile(rb"%(?=[0-9A-Fa-f]{2})")
_DIGEST_CHARS: Final = 32


def readable_path(path: str) -> str:
    """The relative path as printable text: what is not printable UTF-8 becomes ``%XX``, one path for each result.

    A percent sign stays as it is unless two hexadecimal digits follow it.
    """
    raw = _LOOKS_ESCAPED.sub(b"%25", os.fsencode(path))
    text = raw.decode("utf-8", "surrogateescape")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def document_id(path: str) -> str:
    """Id of the file at ``path`` (relative, with slashes); one too long for an id is cut and ends in its hash."""
    identity = PREFIX + readable_path(path)
    raw = identity.encode()
    if len(raw) <= MAX_ID_BYTES:
        return identity
    digest = hashlib.blake2b(os.fsencode(path), digest_size=_DIGEST_CHARS // 2).hexdigest()
    return raw[: MAX_ID_BYTES - _DIGEST_CHARS - 1].decode("utf-8", "ignore") + "~" + digest


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))
