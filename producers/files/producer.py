"""One watched folder at work: its watch, its scan, its two workers, and the state they share."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from freshet.errors import FreshetError, UnavailableError
from producers.files.ignore import IgnoreRules
from producers.files.indexing import Indexing
from producers.files.progress import ProgressFile
from producers.files.root import Root
from producers.files.scan import Scan, require_same_root
from producers.files.settings import FilesSettings
from producers.files.state import FileStates
from producers.files.tree import Tree
from producers.files.voice import Voice
from producers.files.watch import Watch
from producers.files.work import Job, WorkQueue
from producers.files.worker import Worker
from producers.sink import BacklogSink

_log: Final = logging.getLogger(__name__)

_RETRY_S: Final = 1.0
_POLLING_S: Final = 1.0
_SAY_EVERY_S: Final = 5.0


class FileProducer:
    """``start`` returns once every change is being noticed; the work goes on in threads until ``stop``."""

    def __init__(self, settings: FilesSettings, sink: BacklogSink) -> None:
        """Raises UnavailableError (no such folder), UsageError (state in use or of another folder)."""
        self._sink = sink
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._said = float("-inf")
        self._watching = False
        self._threads: list[threading.Thread] = []
        self._root = Root.open(settings.root)
        self._states = FileStates(settings.state)
        if settings.republish:
            self._states.forget_acknowledged()
        try:
            require_same_root(self._root, self._states)
        except FreshetError:
            self._states.close()
            raise
        exclude = list(settings.exclude)
        state_folder = settings.state.resolve()
        if state_folder.is_relative_to(self._root.path):
            exclude.append(f"/{state_folder.relative_to(self._root.path).as_posix()}/")
        tree = Tree(self._root, IgnoreRules(self._root.path, exclude), self._states)
        self._work = WorkQueue()
        self._voice = Voice(sink, self._states, self._undelivered, tenant=settings.tenant)
        self._scan = Scan(tree, self._found, self._stop, every_s=_POLLING_S if settings.polling else settings.rescan_s)
        indexing = Indexing(tree, self._states, self._voice, max_bytes=settings.max_bytes)
        self._workers = [
            Worker(self._work, indexing, sink, self._stop, live=live, max_in_flight=settings.max_in_flight)
            for live in (True, False)
        ]
        self._tree = tree
        self._polling = settings.polling
        self._progress = ProgressFile(settings.state / "files.json")

    def start(self) -> None:
        """Block until the tree is watched. Raises UsageError where the system allows no more watches."""
        if not self._polling:
            self._run(Watch(self._tree, self._changed, self._scan.request, self._stop).run)
        self._watching = True
        for run in (self._scan.run, *(worker.run for worker in self._workers)):
            self._run(run)

    def failure(self) -> BaseException | None:
        """Why it cannot go on, or None while it works."""
        return self._failure

    def idle(self) -> bool:
        """Whether a scan is complete and the broker has all that was found."""
        return self._scan.completed > 0 and self._work.size() == 0 and self._voice.tally.unacknowledged == 0

    def state(self) -> dict[str, object]:
        """The content of ``files.json``: ``to_publish`` is ``published`` and what still waits."""
        tally = self._voice.tally
        waiting = self._work.size() + tally.unacknowledged
        return {
            "scanned": self._scan.scanned,
            "to_publish": tally.published + waiting,
            "published": tally.published,
            "refused": tally.refused,
            "watching": self._watching and self._failure is None and not self._stop.is_set(),
            "scans": self._scan.completed,
            "root": str(self._root.path),
        }

    def write_progress(self) -> None:
        self._progress.write(self.state())

    def stop(self, timeout_s: float = 1.5) -> None:
        """End the threads and flush, both within about ``timeout_s`` seconds. What is cut short is sent again at the
        next start.
        """
        deadline = time.monotonic() + timeout_s
        self._stop.set()
        self._work.close()
        self._scan.request()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        left = self._sink.flush(max(0.1, deadline - time.monotonic()))
        if left:
            _log.warning("%d records are not acknowledged: their files are sent again at the next start", left)
        self.write_progress()
        if not any(thread.is_alive() for thread in self._threads):
            self._states.close()

    def _changed(self, path: str) -> None:
        self._work.put(path, live=True)

    def _found(self, path: str) -> None:
        self._work.put(path, live=False)

    def _undelivered(self, path: str, error: FreshetError) -> None:
        if not isinstance(error, UnavailableError):
            self._fail(error)
            return
        if self._stop.is_set():
            return
        now = time.monotonic()
        if now - self._said > _SAY_EVERY_S:
            self._said = now
            _log.warning("%s: sending again, nothing is lost", error)
        self._work.put_job(Job(path, time.time_ns(), now, due=now + _RETRY_S), live=False)

    def _run(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                self._fail(error)

        thread = threading.Thread(target=run, name=f"freshet-files-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
        self._stop.set()
        self._work.close()
        self._scan.request()
