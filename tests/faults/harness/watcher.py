"""Looks at documents while the load runs: what was seen once must never be undone."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.harness.api import Api, Down
from tests.faults.harness.checker import Finding, Kind
from tests.faults.harness.ledger import Change

PAUSE_SECONDS = 0.05


@dataclass(slots=True)
class _Seen:
    """The newest state of a document that some answer showed, and when that answer was there."""

    version: int
    deleted: bool
    answered: float


@dataclass(slots=True)
class Sightings:
    """Pure and thread-safe. Only an answer that was *asked for* after another was *there* may be compared with it."""

    findings: list[Finding] = field(default_factory=list)
    answers: int = 0
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def shown(self, asked: float, answered: float, document_id: str, version: int, deleted: bool = False) -> None:
        """An answer showed this version of the document, as live or as deleted. Times in seconds, monotonic."""
        with self._lock:
            self.answers += 1
            before = self._seen.get(document_id)
            if before is not None and asked > before.answered:
                if version < before.version:
                    what = "deleted" if before.deleted else "seen"
                    detail = f"version {version} after {before.version} was {what}"
                    self.findings.append(Finding(Kind.BACKWARDS, document_id, detail))
                elif version == before.version and before.deleted and not deleted:
                    detail = f"version {version} is found after its deletion was seen"
                    self.findings.append(Finding(Kind.BACKWARDS, document_id, detail))
            if before is None or (version, deleted) > (before.version, before.deleted):
                self._seen[document_id] = _Seen(version, deleted, answered)

    def absent(self, asked: float, document_id: str) -> None:
        """An answer said that there is no such document."""
        with self._lock:
            before = self._seen.get(document_id)
            if before is not None and asked > before.answered:
                detail = f"gone after version {before.version} was seen"
                self.findings.append(Finding(Kind.BACKWARDS, document_id, detail))

    def together(self, document_id: str, versions: Sequence[int]) -> None:
        """One answer held chunks of these versions of the document."""
        if len(set(versions)) > 1:
            detail = f"one answer holds versions {sorted(set(versions))}"
            with self._lock:
                self.findings.append(Finding(Kind.TORN, document_id, detail))


class Watcher:
    """A thread that alternately searches for and reads what was sent lately. A server that is down is waited for."""

    def __init__(self, url: str, recent: Callable[[], Sequence[Change]], prefix: str, seed: int) -> None:
        """``recent`` gives some changes that were sent, hot documents more often."""
        self.sightings = Sightings()
        self._api = Api(url)
        self._recent = recent
        self._prefix = prefix
        self._choose = random.Random(seed)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Raises what ended the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._api.close()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            turn = 0
            while not self._stop.wait(PAUSE_SECONDS):
                if not (recent := self._recent()):
                    continue
                turn += 1
                change = self._choose.choice(recent)
                try:
                    self._read(change) if turn % 2 or change.op == "delete" else self._search(change)
                except Down:
                    continue
        except BaseException as error:
            self._failure = error

    def _read(self, change: Change) -> None:
        asked = time.monotonic()
        seen = self._api.document(change.document_id)
        answered = time.monotonic()
        if seen is None:
            self.sightings.absent(asked, change.document_id)
        else:
            self.sightings.shown(asked, answered, change.document_id, seen.version, seen.deleted)

    def _search(self, change: Change) -> None:
        asked = time.monotonic()
        hits = self._api.search(change.text[:150], 20, source=self._prefix)
        answered = time.monotonic()
        versions: dict[str, list[int]] = {}
        for hit in hits:
            versions.setdefault(hit.document_id, []).append(hit.version)
        for document_id, found in versions.items():
            self.sightings.together(document_id, found)
            self.sightings.shown(asked, answered, document_id, max(found))
