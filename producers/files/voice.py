"""Says a file's change to the pipeline, and notes first what it says and later that the broker has it.

A version is assigned in the state before it is sent and acknowledged after its delivery report, so that a crash in
between leaves a file that the next scan takes up again, with a higher version.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Final

import msgspec

from freshet.dead_letters import FILES_STAGE, DeadLetter
from freshet.errors import FreshetError
from freshet.metrics import DEAD, FILES
from producers.files.document import SOURCE, committed_ns, metadata_of, modified_at
from producers.files.extraction import RefusedFile
from producers.files.identity import document_id, readable_path
from producers.files.progress import Tally
from producers.files.stamp import Stamp
from producers.files.state import FileState, FileStates
from producers.files.tree import UNREADABLE
from producers.sink import BacklogSink

_log: Final = logging.getLogger(__name__)
_files: Final = FILES.counter()
_dead: Final = DEAD.counter()

Undelivered = Callable[[str, FreshetError], None]
"""Told, on any thread, of a path whose change the broker did not take."""


class Voice:
    """Safe to share between threads."""

    def __init__(self, sink: BacklogSink, states: FileStates, undelivered: Undelivered, *, tenant: str = "") -> None:
        self._sink = sink
        self._states = states
        self._undelivered = undelivered
        self._tenant = tenant
        self.tally = Tally()

    def publish(
        self, path: str, stamp: Stamp, content: bytes, title: str, pieces: Iterator[str], noticed_ns: int
    ) -> None:
        """Send the file's text. What ``pieces`` raise passes through; the version then stays incomplete for ever."""
        version = self._states.assign(path, stamp, "published", content=content)
        future = self._sink.publish(
            document_id(path),
            pieces,
            version=version,
            metadata=metadata_of(path, stamp, title),
            tenant=self._tenant,
            source=SOURCE,
            occurred_at=modified_at(stamp),
            committed_ns=committed_ns(stamp, noticed_ns),
        )
        self._await(path, version, "published", future)

    def gone(self, path: str, state: FileState | None, noticed_ns: int) -> None:
        """Send the deletion of a file's document, if it has one."""
        if state is None or (state.standing == "deleted" and state.settled):
            return
        version = self._states.assign(path, None, "deleted")
        if state.standing == "refused" and state.settled:
            self._states.acknowledge(path, version)
            return
        self._await(path, version, "deleted", self._delete(path, version, noticed_ns))

    def refused(
        self,
        path: str,
        state: FileState | None,
        stamp: Stamp,
        refusal: RefusedFile,
        noticed_ns: int,
        content: bytes = b"",
    ) -> None:
        """Send a dead letter, once per state of the file, and delete what is indexed: its content is no more."""
        if (
            state is not None
            and state.standing == "refused"
            and state.settled
            and (state.stamp, state.reason) == (stamp, refusal.reason)
        ):
            return
        indexed = state is not None and not (state.standing in ("refused", "deleted") and state.settled)
        version = self._states.assign(path, stamp, "refused", reason=refusal.reason, content=content)
        futures = [self._letter(path, refusal.reason, refusal.detail)]
        if indexed:
            futures.append(self._delete(path, version, noticed_ns))
        self._await(path, version, "refused", *futures)

    def unreadable(
        self, path: str, state: FileState | None, stamp: Stamp | None, error: OSError, noticed_ns: int
    ) -> None:
        """Send a dead letter, once per state of the file; what is indexed stays, since the content may be the same."""
        stamp = stamp or (state.stamp if state else Stamp(0, 0, 0))
        if state is not None and state.settled and (state.stamp, state.reason) == (stamp, UNREADABLE):
            return
        futures = [self._letter(path, UNREADABLE, str(error))]
        if state is not None and state.standing == "published":
            # an unacknowledged text may never have arrived: forget its hash, so that it is published again
            content = state.content if state.settled else b""
            version = self._states.assign(path, stamp, "published", reason=UNREADABLE, content=content)
        else:
            version = self._states.assign(path, stamp, "refused", reason=UNREADABLE)
            if state is not None and not state.settled:
                futures.append(self._delete(path, version, noticed_ns))
        self._await(path, version, "refused", *futures)

    def unchanged(self) -> None:
        _files.labels("unchanged").inc()

    def _delete(self, path: str, version: int, noticed_ns: int) -> Future[Any]:
        return self._sink.delete(
            document_id(path), version, tenant=self._tenant, source=SOURCE, committed_ns=noticed_ns
        )

    def _letter(self, path: str, reason: str, detail: str) -> Future[Any]:
        _dead.labels(FILES_STAGE, reason).inc()
        _log.warning("refused %s: %s %s", readable_path(path), reason, detail)
        key = document_id(path).encode()
        value = msgspec.json.encode({"path": readable_path(path)})
        return self._sink.dead_letter(DeadLetter(key=key, value=value, stage=FILES_STAGE, reason=reason, detail=detail))

    def _await(self, path: str, version: int, outcome: str, *futures: Future[Any]) -> None:
        self.tally.sent()
        remaining = list(futures)
        lock = threading.Lock()

        def reported(future: Future[Any]) -> None:
            with lock:
                remaining.remove(future)
                if remaining:
                    return
            errors = [error for sent in futures if (error := sent.exception()) is not None]
            if not errors:
                self._states.acknowledge(path, version)
                _files.labels(outcome).inc()
                self.tally.settled(published=int(outcome != "refused"), refused=int(outcome == "refused"))
                return
            self.tally.settled()
            error = errors[0]
            self._undelivered(path, error if isinstance(error, FreshetError) else FreshetError(repr(error)))

        for future in futures:
            future.add_done_callback(reported)
