"""Positions in a source's log as versions: 64-bit integers that grow with each change of a key.

The highest six bits are the capture's epoch, the lowest says whether the row lives after the change. A position is that
of the change's own record in the log and not of its commit: PostgreSQL lets a second transaction change a row only when
the first has ended, so that the positions of one row's changes grow as its states do. With one exception: an INSERT
is written before its key is looked up, so that one which meets a DELETE of the same key in another transaction, by
moments, lies before it and comes after it. Its document is then missing until the row changes, or until an audit finds
it: `freshet audit --repair`. One position can hold two changes only where a key was changed, which is the end of one
row and the beginning of another, and then the living one counts.
"""

from __future__ import annotations

from typing import Final

from freshet.errors import RejectedRecord

POSITION_BITS: Final = 56
_LARGEST: Final = (1 << POSITION_BITS) - 1
_EPOCHS: Final = 64


def version_of(position: int, *, alive: bool, epoch: int = 0) -> int:
    """Raises RejectedRecord for a position that no log reaches (64 PB)."""
    if not 0 <= position <= _LARGEST:
        raise RejectedRecord("invalid-position", f"{position} is no position in a log")
    if not 0 <= epoch < _EPOCHS:
        raise ValueError(f"epoch {epoch} is not below {_EPOCHS}")
    return (epoch << (POSITION_BITS + 1)) | (position << 1) | int(alive)


def position_of(version: int) -> int:
    """The position that a version was made of."""
    return (version >> 1) & _LARGEST


def parse_lsn(text: str) -> int:
    """PostgreSQL's notation, for example ``16/B374D848``. Raises ValueError."""
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def format_lsn(position: int) -> str:
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
