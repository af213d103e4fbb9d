"""Brings the index in step with one path: publish, delete, refuse, or leave as it is."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from freshet.errors import RejectedRecord
from producers.files.extraction import RefusedFile, extractor
from producers.files.quiet import LARGE_BYTES, Quiet
from producers.files.reading import ChangedWhileRead, Reading, read
from producers.files.stamp import Stamp
from producers.files.state import FileState, FileStates
from producers.files.tree import Tree, is_current
from producers.files.voice import Voice
from producers.files.work import Job

_MAX_ATTEMPTS: Final = 5
_RETRY_CHANGED_S: Final = 0.02

Pace = Callable[[Iterator[str]], Iterator[str]]
"""Wraps the pieces of a text that must not get in the way of others."""


class Indexing:
    """Looks at a path and says what changed of it. One path is never in two threads at once (``WorkQueue``)."""

    def __init__(self, tree: Tree, states: FileStates, voice: Voice, *, max_bytes: int) -> None:
        self._tree = tree
        self._states = states
        self._voice = voice
        self._max_bytes = max_bytes
        self._quiet = Quiet()

    def follow(self, job: Job, *, trust_stamp: bool, pace: Pace) -> Job | None:
        """Do what the path's present state asks for; returns the job to take up later if the file is being written.

        ``trust_stamp``: take the same size, mtime and inode for the same content. Blocks while the sink's buffer is
        full. Raises UnavailableError (broker or root gone) and UsageError; a file's own fault never raises.
        """
        path, state = job.path, self._states.get(job.path)
        try:
            status = self._tree.look(path)
        except (FileNotFoundError, NotADirectoryError):
            # a file can only be missing from a root that is there
            self._tree.root.require()
            self._voice.gone(path, state, job.noticed_ns)
            return None
        except OSError as error:
            self._voice.unreadable(path, state, None, error, job.noticed_ns)
            return None
        stamp = Stamp.of(status)
        if not self._tree.wants(path, status):
            self._voice.gone(path, state, job.noticed_ns)
        elif trust_stamp and is_current(state, stamp):
            self._voice.unchanged()
        elif stamp.size > self._max_bytes:
            detail = f"{stamp.size} bytes, more than FRESHET_FILES_MAX_BYTES = {self._max_bytes}"
            self._voice.refused(path, state, stamp, RefusedFile("too-large", detail), job.noticed_ns)
        elif (wait_s := self._quiet.wait_s(path, stamp, time.time_ns(), time.monotonic() - job.since)) > 0:
            return replace(job, due=time.monotonic() + wait_s)
        else:
            return self._read(job, stamp, state, pace)
        return None

    def is_large(self, path: str) -> bool:
        """Whether reading it would hold up the others."""
        try:
            return os.lstat(self._tree.absolute(path)).st_size > LARGE_BYTES
        except OSError:
            return False

    def require_root(self) -> None:
        """Raise UnavailableError when the root is gone."""
        self._tree.root.require()

    def _read(self, job: Job, stamp: Stamp, state: FileState | None, pace: Pace) -> Job | None:
        path = job.path
        try:
            with read(self._tree.absolute(path), even_if_changing=job.attempts >= _MAX_ATTEMPTS) as reading:
                self._say(path, state, reading, job, pace)
        except (ChangedWhileRead, FileNotFoundError):
            return replace(job, attempts=job.attempts + 1, due=time.monotonic() + _RETRY_CHANGED_S * 2**job.attempts)
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link by now
                return replace(job, attempts=job.attempts + 1)
            self._voice.unreadable(path, self._states.get(path), stamp, error, job.noticed_ns)
        return None

    def _say(self, path: str, state: FileState | None, reading: Reading, job: Job, pace: Pace) -> None:
        stamp = reading.stamp
        if state is not None and state.settled and state.content == reading.content and state.standing != "deleted":
            self._states.touch(path, stamp, reason=state.reason if state.standing == "refused" else "")
            self._voice.unchanged()
            return
        extract = extractor(path.rpartition("/")[2])
        assert extract is not None  # the tree wanted this path
        try:
            content = extract(reading.file)
            pieces = content.pieces if job.attempts >= _MAX_ATTEMPTS else reading.checked(content.pieces)
            self._voice.publish(path, stamp, reading.content, content.title, pace(pieces), job.noticed_ns)
        except (RefusedFile, RejectedRecord) as error:
            refusal = RefusedFile(error.reason, error.detail)
            self._voice.refused(path, self._states.get(path), stamp, refusal, job.noticed_ns, reading.content)
        else:
            self._quiet.published(path)
