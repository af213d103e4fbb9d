"""A small document every 100 ms, searched for until it is found: how long nothing arrives, when all is well again."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from tests.faults.harness.api import Api, Down
from tests.faults.harness.ledger import Change
from tests.faults.harness.plan import FIRST_VERSION
from tests.faults.harness.sender import Sender

EVERY_SECONDS = 0.1
ASK_AGAIN_SECONDS = 0.005
SEND_AGAIN_SECONDS = 35.0
"""By then a record without an acknowledgement has failed."""
DOCUMENTS = 8
PROMISE_SECONDS = 0.1
WELL = 20
"""So many canaries in a row within the promise, and the system counts as recovered."""


class Found(NamedTuple):
    """Seconds on the monotonic clock."""

    sent: float
    found: float


def gap(found: Sequence[Found], start: float, end: float) -> float:
    """The longest time without an arrival within [start, end], in seconds."""
    moments = [start, *(one.found for one in found if start <= one.found <= end), end]
    return max(later - earlier for earlier, later in itertools.pairwise(moments))


def recovery(found: Sequence[Found], broken: float) -> float | None:
    """Seconds from the break until the first of WELL canaries in a row, sent after it, was found in time.

    None where that was never so.
    """
    row = 0
    first = 0.0
    for one in found:
        if one.sent < broken or one.found - one.sent >= PROMISE_SECONDS:
            row = 0
            continue
        first = one.found if row == 0 else first
        row += 1
        if row == WELL:
            return first - broken
    return None


class Canary:
    """A thread with one document in flight at a time. Its changes are in the ledger like all others."""

    def __init__(self, url: str, sender: Sender, prefix: str, seed: int) -> None:
        self.found: list[Found] = []
        self._api = Api(url)
        self._sender = sender
        self._prefix = prefix
        self._choose = random.Random(seed)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="canary", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Raises what ended the thread."""
        self._stop.set()
        self._thread.join()
        self._api.close()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        number = 0
        try:
            while not self._stop.is_set():
                due = time.monotonic() + EVERY_SECONDS
                number += 1
                self._one(number)
                self._stop.wait(max(0.0, due - time.monotonic()))
        except BaseException as error:
            self._failure = error

    def _one(self, number: int) -> None:
        document_id = f"{self._prefix}/canary-{number % DOCUMENTS}"
        words = f"{self._prefix} canary {number} {self._choose.getrandbits(32):x}"
        change = Change(document_id, FIRST_VERSION + number, "upsert", words)
        sent = time.monotonic()
        self._sender.send(change, self._prefix)
        repeated = sent
        while not self._stop.is_set():
            try:
                hits = self._api.search(words, 5, **{"meta.doc": document_id})
            except Down:
                hits = []
            if any(hit.version >= change.version for hit in hits):
                self.found.append(Found(sent, time.monotonic()))
                return
            if time.monotonic() - repeated > SEND_AGAIN_SECONDS:
                repeated = time.monotonic()
                self._sender.send(change, self._prefix)
            self._stop.wait(ASK_AGAIN_SECONDS)
