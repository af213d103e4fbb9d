"""A file as a document: its metadata and its times."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

from freshet.events import Metadata
from producers.files.extraction.kinds import kind_of
from producers.files.identity import readable_path
from producers.files.stamp import Stamp

SOURCE: Final = "files"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FRESH_NS: Final = 2_000_000_000


def metadata_of(path: str, stamp: Stamp, title: str) -> Metadata:
    """path, name, type, size in bytes, mtime as RFC 3339, and the title if the file says one."""
    readable = readable_path(path)
    name = readable.rpartition("/")[2]
    metadata: Metadata = {"path": readable, "name": name, "type": kind_of(name), "size": stamp.size}
    if moment := modified_at(stamp):
        metadata["mtime"] = moment.isoformat().replace("+00:00", "Z")
    if title:
        metadata["title"] = title
    return metadata


def modified_at(stamp: Stamp) -> datetime | None:
    """The mtime, None where a calendar has no such year."""
    try:
        return _EPOCH + timedelta(microseconds=stamp.mtime_ns // 1000)
    except OverflowError:
        return None


def committed_ns(stamp: Stamp, noticed_ns: int) -> int:
    """When the change happened at its source: mtime for a write that was noticed as it happened.

    Otherwise the moment of the notice: a file that was moved here, or changed while nothing ran, keeps an mtime that
    says nothing about how fresh the index is.
    """
    return stamp.mtime_ns if 0 <= noticed_ns - stamp.mtime_ns < _FRESH_NS else noticed_ns
