"""All captures of a folder at work."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from freshet.errors import FreshetError, UsageError
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from producers.cdc.capture import Capture
from producers.cdc.captures import Captures
from producers.cdc.first_read import FirstRead
from producers.cdc.index import Index
from producers.cdc.known import KnownContents
from producers.cdc.live import LiveChanges
from producers.cdc.marks import Stamp
from producers.cdc.monitor import Monitor
from producers.cdc.passage import Passage
from producers.cdc.progress import Progress
from producers.cdc.settings import CdcSettings
from producers.cdc.truncated import TruncatedTables
from producers.cdc.truncation import Truncations
from producers.cdc.voice import Voice

_STEP_S: Final = 0.1
_LOOK_EVERY_S: Final = 0.5

_log: Final = logging.getLogger(__name__)


class Bridge:
    """``run`` blocks until ``stop`` is set or going on is useless; the process is then started anew."""

    def __init__(
        self, settings: CdcSettings, kafka: KafkaSettings, publisher: Publisher, stop: threading.Event
    ) -> None:
        key = settings.api_key.get_secret_value() if settings.api_key else None
        self._settings = settings
        self._stop = stop
        self._folder = Captures(settings.captures, settings.state)
        self._stamp: Stamp | None = None
        self._captures: Mapping[str, Capture] = {}
        self._index = Index(settings.search_url, key)
        self._known = KnownContents(settings.known)
        truncated = TruncatedTables()
        listing = Index(settings.search_url, key)
        self._truncations = Truncations(publisher, listing, Passage(kafka, stop), truncated, stop)
        self._live = LiveChanges(kafka, Voice(publisher, self._known), self._truncations, settings.max_in_flight)
        self._progress = Progress(settings.state)
        self._first = FirstRead(publisher, self._index, self._progress, truncated, settings.connect_url, stop)
        self._monitor = Monitor(settings.connect_url, self._folder, settings.manage)
        self._failure: BaseException | None = None
        self._changed = threading.Event()

    def run(self) -> None:
        """Raises what ended it."""
        threads = [
            threading.Thread(target=self._guard, args=(work,), name=f"freshet-cdc-{name}", daemon=True)
            for name, work in (("folder", self._follow), ("rows", self._read_rows), ("monitor", self._look))
        ]
        self._reload()
        self._serve()
        for thread in threads:
            thread.start()
        try:
            while not self._stop.is_set():
                if self._changed.is_set():
                    self._changed.clear()
                    self._serve()
                self._live.step(_STEP_S)
        finally:
            self._stop.set()
            self._live.close()
            self._truncations.close()
            for thread in threads:
                thread.join(2)
            self._monitor.close()
        if self._failure is not None:
            raise self._failure

    def _serve(self) -> None:
        self._known.clear()
        self._live.serve(self._captures)

    def _follow(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            if self._folder.stamp() != self._stamp:
                self._reload()
                self._changed.set()

    def _reload(self) -> None:
        self._stamp = self._folder.stamp()
        captures: dict[str, Capture] = {}
        unreadable = []
        for name in self._folder.names():
            try:
                captures[name] = self._folder.read(name)
            except UsageError as error:
                _log.error("%s", error)
                unreadable.append(name)
                # Better the definition as it was than none.
                if name in self._captures:
                    captures[name] = self._captures[name]
        self._captures = captures
        self._progress.keep(captures.values(), unreadable)

    def _read_rows(self) -> None:
        """A thread for each capture that has rows to read: one that waits holds up no other."""
        readers: dict[str, threading.Thread] = {}
        while not self._stop.wait(_LOOK_EVERY_S):
            for name, capture in self._captures.items():
                if self._first.pending(capture) and not (name in readers and readers[name].is_alive()):
                    work = functools.partial(self._first.run, capture)
                    readers[name] = threading.Thread(
                        target=self._guard, args=(work,), name=f"freshet-cdc-rows-{name}", daemon=True
                    )
                    readers[name].start()

    def _look(self) -> None:
        while True:
            self._monitor.look(self._captures)
            if self._stop.wait(self._settings.monitor_s):
                return

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._failure = error if isinstance(error, FreshetError) else FreshetError(repr(error))
            _log.exception("a thread ended")
            self._stop.set()
