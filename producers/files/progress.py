"""What the producer is doing, in ``files.json`` beside its state, for ``freshet up``."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path


class Tally:
    """Changes of files since the start, by what the broker said to them. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.published = 0
        self.refused = 0
        self.unacknowledged = 0

    def sent(self) -> None:
        with self._lock:
            self.unacknowledged += 1

    def settled(self, *, published: int = 0, refused: int = 0) -> None:
        with self._lock:
            self.unacknowledged -= 1
            self.published += published
            self.refused += refused


class ProgressFile:
    """Written as a whole or not at all, and only when it says something new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

    def write(self, state: dict[str, object]) -> None:
        text = json.dumps(state)
        if text == self._written:
            return
        aside = self._path.with_suffix(".json.new")
        aside.write_text(text + "\n", encoding="utf-8")
        os.replace(aside, self._path)
        self._written = text
