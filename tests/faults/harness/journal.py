"""A ledger on disk, line by line, of a producer that may be killed at any moment."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from tests.faults.harness.ledger import Change, Ledger


class Journal:
    """Thread-safe. A line is with the kernel before ``sent`` returns, so that kill -9 cannot take it back."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def sent(self, change: Change) -> None:
        self._line(["sent", change.document_id, change.version, change.op, change.text])

    def acknowledged(self, change: Change) -> None:
        self._line(["acknowledged", change.document_id, change.version])

    def _line(self, fields: list[str | int]) -> None:
        with self._lock:
            self._file.write(json.dumps(fields) + "\n")
            self._file.flush()


def read_journal(path: Path, ledger: Ledger) -> None:
    """Add all that the journal holds to the ledger. A last line that was cut off is left out."""
    sent: dict[tuple[str, int], Change] = {}
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            continue
        kind, document_id, version, *rest = json.loads(line)
        if kind == "sent":
            change = Change(document_id, version, *rest)
            sent[document_id, version] = change
            ledger.sent(change)
        else:
            ledger.acknowledged(sent[document_id, version])
